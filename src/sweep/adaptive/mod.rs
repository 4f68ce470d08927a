//! The knee with as few requests as will do: levels are doubled until one is too much, then halved
//! between the last good one and that, and each is left as soon as it is sure which one it is. The
//! load is never more than twice what was found good, as far as the levels allow.
//!
//! That needs attainment to fall as the load grows; a server that is worse at a low level than at a
//! higher one misleads any bisection.

mod search;
mod sequential_test;

pub use search::Search;
pub use sequential_test::{Judgement, SequentialTest};

/// The levels that are searched where none are given: steps of at most a quarter.
pub const DEFAULT_CANDIDATES: [u32; 29] = [
    1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160,
    192, 224, 256, 320,
];
