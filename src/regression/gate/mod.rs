//! Release profiles: what a target's figures were, under which conditions, and whether those of a
//! candidate are worse than a limit allows.
//!
//! ```text
//! Outcome, Outcome, … ─► Samples ─► Profile ──┐
//!                         (figures)           ├─► compare ─► Comparison ─► table, JSON
//!                                  baseline ──┘  (identity, limits)
//! ```
//! Pure: probing, files and the date are the caller's. A figure is a line in
//! [`figures::FIGURES`]; a condition that two profiles must share, one in
//! [`identity::CONDITIONS`].

mod binomial;
pub mod change;
pub mod compare;
pub mod counts;
mod digest;
pub mod estimate;
pub mod figures;
pub mod identity;
pub mod limits;
pub mod mix;
pub mod profile;
pub mod report;
pub mod samples;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Decision, Refusal, compare};
pub use identity::Identity;
pub use limits::Limits;
pub use profile::{Profile, Taken};
pub use samples::Samples;
