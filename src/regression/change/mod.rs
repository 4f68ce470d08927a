//! Whether an endpoint has got worse than its own past: what each target's streams remember.
//!
//! Pure, and bounded per target: the caller brings probes and the wall clock's time. A stream (one
//! signal of one workload) first collects a reference, then bets against it ([`detect`](super::detect)).

mod basis;
mod judge;
mod observation;
mod settings;
mod snapshot;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod workload;

pub use basis::FieldNames;
pub use observation::Observation;
pub use settings::{ChangeDetection, Tolerances, signals};
pub use snapshot::{ReferenceSnapshot, Standing, StreamSnapshot};
pub use stream::What;
pub use target::{Event, TargetState, TargetWatch};
