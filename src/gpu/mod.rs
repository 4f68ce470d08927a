//! The GPUs of this machine, by NVIDIA's management library (NVML).
//!
//! The library is loaded when it is there. One thread finds the driver and its GPUs, one more per
//! GPU talks to it; nothing else ever calls the driver, so that one that hangs holds up no scrape
//! and no probe: [`Gpus::refresh`] waits for a fresh look for a limited time, and whoever reads
//! [`Gpus::view`] then gets the newest there is, with the time it is from.
//!
//! A value that the GPU, its driver or the library lacks is absent; so is one that is a mark for
//! "not available". A GPU that is lost has no values until it answers again.

mod clean;
mod energy;
mod events;
mod facts;
mod failure;
mod fields;
mod gpus;
mod memory;
mod mig;
mod occupancy;
mod processes;
mod read;
pub mod state;
mod supervisor;
mod worker;
pub mod xid;

pub use energy::{EnergyMeter, Measuring};
pub use gpus::{Gpus, PATIENCE};
