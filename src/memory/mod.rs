//! What is remembered of the probes: the history that people look at, flight records of failures on
//! disk, and the small database that outlives a restart. And how much memory all of the program may have.

pub mod flight;
pub mod history;
pub mod limit;
mod own_file;
pub mod state;
