//! Whether two things that were measured are the same, and if not, in what they differ.
//!
//! Pure. A [`Fingerprint`] has a hash for every field that bears on a figure: what is sent, to whom,
//! how, and what makes an answer good. Of what was hashed nothing can be read back. It holds no
//! secret, so a rotated key is the same endpoint; nothing that is new in every request; and nothing
//! of how often or for whom is probed.

mod fields;
mod hash;
mod of;
#[cfg(test)]
mod tests;

pub use fields::{Fingerprint, in_words};
pub use of::{of_slos, of_target, of_workload};
