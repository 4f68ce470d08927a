//! The sweeps of a configuration, each made at its instants.
//!
//! ```text
//! Fleet ─► Runner, one per sweep: waits ─► its server's turn ─► Sweeper ─► SweepRun ─► Live
//!                                              └─ marks the probes beside it
//! ```

mod fleet;
mod live;
mod runner;

pub use fleet::{Fleet, Remembered, StartContext};
pub use live::{Live, Snapshot};
pub use runner::{Equipment, SharedDial};
