//! The whole daemon against simulated servers on a paused clock: days pass in seconds, and every
//! figure is exact.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]
#![allow(clippy::float_cmp)] // samples that count are whole numbers

#[path = "../common/mod.rs"]
mod common;

mod comparisons;
mod day;
mod demand;
mod drain;
mod figures;
mod isolation;
mod open_loop;
mod outage;
mod past;
mod reload;
mod scheduled_sweeps;
mod seeds;
mod server_metrics;
mod sweeps;

use std::time::Duration;

/// Lets virtual time pass.
async fn seconds(n: u64) {
    tokio::time::sleep(Duration::from_secs(n)).await;
}
