//! One comparison's life: rounds by its timing, each judged.
//!
//! The probes are made by the targets' own probers ([`crate::load`]), so limits, budgets, metrics and
//! history hold for them as for any other.

mod begin;
mod fleet;
mod live;
mod round;
mod rounds;
#[cfg(test)]
mod tests;

pub use begin::begin;
pub use fleet::{Fleet, Remembered, StartContext};
pub use live::{Live, UsedId};
pub use rounds::Comparer;
