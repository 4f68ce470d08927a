//! Versions of what is written, and how long things may take.

use std::time::Duration;

/// Version of the tables and of what is in them, but for what detectors write: that has a version of
/// its own. 1 was the JSON file of earlier releases.
pub(super) const SCHEMA: u64 = 2;

/// Version of what is written of detectors, gates and references. Another version is refused, not
/// guessed at.
pub(super) const STATE_VERSION: u32 = 1;

/// How long another process that uses the folder is waited for: in a rolling update the one before
/// needs its grace period to end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two writes. At most 10 s are lost when the program is killed: the writing itself takes
/// its time, too.
pub(super) const INTERVAL: Duration = Duration::from_secs(8);
