//! Keeps the program to its limit of memory: what can be spared is given up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::site::Site;
use crate::memory::limit::{MemoryLimit, Usage, resident};

/// Time between two looks. What was given up is given back to the system meanwhile.
const EVERY: Duration = Duration::from_secs(1);

/// Looks once a second, for as long as it is polled; not at all where the system does not say how much
/// memory is in use.
pub async fn keep_to_memory(limit: Arc<MemoryLimit>, site: Site) {
    while let Some(resident) = resident() {
        relieve(&limit, &site, resident);
        sleep(EVERY).await;
    }
}

fn relieve(limit: &MemoryLimit, site: &Site, resident: usize) {
    let history = &site.daemon.history;
    let (recordings, answers) = (history.recorded_bytes(), site.held.look());
    let relief = limit.look(Usage { resident, recordings, answers });
    if relief.recordings > 0 {
        history.give_up_recordings(relief.recordings);
    }
    if relief.answers > 0 {
        site.held.cut_off(relief.answers);
    }
    site.daemon.skip_probes(relief.probes);
}
