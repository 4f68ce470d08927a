//! What people write: durations with their units, and the files that a configuration names.

pub(crate) mod input_file;
pub mod units;
