//! Whether a server got worse: [`detect`] is the mathematics, and each other module asks it one
//! question. Pure; what is asked and when is the matter of `load` and `watcher`.

pub mod change;
pub mod comparison;
pub mod detect;
pub mod fingerprint;
pub mod gate;
pub mod outage;
