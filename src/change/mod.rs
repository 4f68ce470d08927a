//! Whether an endpoint has got worse than its own past.

mod snapshot;

pub use snapshot::{ReferenceSnapshot, StreamSnapshot};
