//! Names the run that begins now.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::regression::comparison::{Cause, Run, RunId};

/// A run by this id, or by one of its own: the time, and a few digits for those of one second.
#[must_use]
pub fn begin(id: Option<RunId>, cause: Cause) -> Run {
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let began_unix_millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    Run { id: id.unwrap_or_else(|| own_id(now)), began_unix_millis, cause }
}

/// `20261127T074500Z-3f9a12`.
fn own_id(now: SystemTime) -> RunId {
    let time = humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "");
    let digits = rand::random::<u32>() & 0x00ff_ffff;
    let id = RunId::try_from(format!("{time}-{digits:06x}"));
    id.unwrap_or_else(|_| unreachable!("digits, two letters and a dash"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_id_of_its_own_tells_the_time() {
        let at = UNIX_EPOCH + Duration::from_secs(1_764_229_500);
        let id = own_id(at);
        assert!(id.as_str().starts_with("20251127T074500Z-"), "{id}");
        assert_eq!(id.as_str().len(), "20251127T074500Z-3f9a12".len());
        assert_ne!(begin(None, Cause::Asked).id, begin(None, Cause::Asked).id);
    }
}
