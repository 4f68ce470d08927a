//! Texts: durations as people write them, the files that a configuration names, a hash, what masks
//! secrets, and what cuts a text to a length.

pub(crate) mod fnv;
pub(crate) mod input_file;
pub(crate) mod mask;
pub(crate) mod shorten;
pub mod units;
