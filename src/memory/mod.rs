//! What is remembered of the probes: the history that people look at, flight records of failures on
//! disk, and the small database that outlives a restart.

pub mod flight;
pub mod history;
mod own_file;
pub mod state;
