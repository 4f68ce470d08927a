//! Texts: durations as people write them, the files that a configuration names, a hash, and what masks
//! secrets.

pub(crate) mod fnv;
pub(crate) mod input_file;
pub(crate) mod mask;
pub mod units;
