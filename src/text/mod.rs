//! Texts: durations as people write them, the files that a configuration names, and a hash.

pub(crate) mod fnv;
pub(crate) mod input_file;
pub mod units;
