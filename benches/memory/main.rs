//! What many targets take of memory, and where.
//!
//! ```sh
//! cargo bench --profile dev --bench memory -- heap 1000   # bytes per target, by their owner
//! cargo bench --bench memory -- resident 1000             # what the system sees of the program
//! cargo bench --bench memory -- resident 10000 60s        # the same, each target asked once a minute
//! cargo bench --bench memory -- clients 1000              # what clients that never read cost
//! ```
//! `heap` runs the daemon inside of this program three times, against a simulator of its own: until it
//! has started, until each target was probed, most of them once, and until its metrics were scraped
//! three times in each format; and the same with one target, so that what is there once is not divided by the number
//! of targets. Heap bytes are the same in every profile, but for futures, which are somewhat larger
//! without optimisation.
//!
//! `resident` starts the program itself and prints its resident memory after the start, after one
//! probe of each target, and after 1, 10 and 50 scrapes of each format, and the share of probes that
//! began within 5 ms of their schedule. To be measured with a release build.
//!
//! `clients` has 30 clients that ask for the metrics and never read them, and 2,000 that connect and say
//! nothing, all from one address; who is cut off comes again. Prints resident memory and the time of a scrape, as Prometheus
//! asks, before, meanwhile and afterwards. Fails where memory has grown by 100 MB, or a scrape has
//! taken twice its time. To be measured with a release build on a quiet machine.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::cast_precision_loss)] // shown with few digits

mod clients;
mod heap;
mod profile;
mod program;
mod resident;
mod simulator;

use std::fmt::Write as _;
use std::process::ExitCode;

use llm_prober::transport::resources;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    // Of the programs that are started here, too.
    resources::raise_open_files(0);
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["heap", count] => heap::print(count.parse().unwrap()),
        ["resident", count] => resident::print(count.parse().unwrap(), "15s"),
        ["resident", count, interval] => resident::print(count.parse().unwrap(), interval),
        ["clients", count] => return clients::print(count.parse().unwrap()),
        ["stage", stage, config, file] => heap::stage(stage.parse().unwrap(), config, file),
        [] => heap::print(200),
        _ => {
            panic!("expected `heap N`, `resident N [INTERVAL]` or `clients N`, found {arguments:?}")
        }
    }
    ExitCode::SUCCESS
}

/// A server that answers at once whoever asks.
const QUICK: &str = "{model: simulated, slots: 4096, queue: 4096, ttft: 50ms, itl: 2ms, \
                     answer_tokens: 32, max_connections: 30000}";

/// So many targets, everything else as it is without a word: two workloads, one SLO of three objectives.
fn config(count: usize, url: &str, interval: &str) -> String {
    let mut yaml = format!("defaults: {{interval: {interval}}}\ntargets:\n");
    for i in 0..count {
        writeln!(yaml, "- {{name: node-{i:05}, url: '{url}', model: simulated}}").unwrap();
    }
    yaml
}
