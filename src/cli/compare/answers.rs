//! Whether both sides answer at all, asked before the first pair.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::outcome::Outcome;
use crate::probe::Probing;
use crate::target::Target;
use crate::transport::{IoThreads, Transport};
use crate::workload::mix::Draw;
use crate::workload::{Mix, Workload};

/// A side may fail now and then: it is asked so often, if need be.
const TRIES: u32 = 3;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks both sides, at the same time.
///
/// # Errors
/// Which side does not answer, and why not: nothing can be said of the other one then.
pub(super) async fn check(
    sides: [&Arc<Target>; 2],
    draw: &Draw,
    io: &IoThreads,
) -> Result<(), String> {
    let [baseline, candidate] = sides;
    let (baseline, candidate) =
        tokio::join!(ask("baseline", baseline, draw, io), ask("candidate", candidate, draw, io));
    let silent: Vec<_> = [baseline, candidate].into_iter().filter_map(Result::err).collect();
    if silent.is_empty() {
        return Ok(());
    }
    Err(format!("{}; nothing was compared", silent.join("; ")))
}

/// What both sides are asked first.
pub(super) fn first_draw(workloads: &[Arc<Workload>]) -> Option<Draw> {
    Mix::new(workloads, rand::random()).draw()
}

async fn ask(side: &str, target: &Arc<Target>, draw: &Draw, io: &IoThreads) -> Result<(), String> {
    let transport = Transport::network(target, io)?;
    let probing = Probing::new(Arc::clone(target), transport);
    let mut tries = 1;
    loop {
        let cancel = CancellationToken::new();
        let outcome = probing.probe(draw.clone(), Duration::ZERO, cancel).await.outcome;
        let why = match &outcome.result {
            Err(failure) if !began(&outcome) => format!("{}: {}", failure.reason, failure.detail),
            _ => return Ok(()),
        };
        if tries == TRIES {
            let (name, url) = (&target.name, &target.url);
            let what = format!("the {side} does not answer ({TRIES} tries)");
            return Err(if name == side {
                format!("{what}: {why} ({url})")
            } else {
                format!("{what}: {why} (`{name}`, {url})")
            });
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether an answer began, as good or bad as it may have become: that is for the pairs to judge.
fn began(outcome: &Outcome) -> bool {
    outcome.http_status.is_some_and(|status| (200..300).contains(&status))
}
