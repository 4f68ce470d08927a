//! What the system sees of the program.

use std::time::Duration;

use llm_prober::metrics::Format;

use crate::program::{EVERY_TARGET_ONCE, Program};
use crate::simulator::Simulator;
use crate::{QUICK, config};

pub fn print(count: usize, interval: &str) {
    let simulator = Simulator::start(QUICK);
    let program = Program::start(&config(count, &simulator.url, interval));
    println!(
        "{count} targets, each asked every {interval}, MiB\n{:>9} {:>9}",
        "resident", "anonymous"
    );
    std::thread::sleep(Duration::from_secs(5));
    program.say("5 s after the start");
    std::thread::sleep(EVERY_TARGET_ONCE);
    program.say("each target probed at least once, no scrape yet");
    let before = program.begun();
    for format in Format::ALL {
        let mut scraped = 0;
        for scrapes in [1, 10, 50] {
            let mut bytes = 0;
            while scraped < scrapes {
                bytes = program.scrape(format).len();
                scraped += 1;
            }
            let name = format.content_type().split(';').next().unwrap_or_default();
            program.say(&format!("after {scrapes} scrapes of {name}, {} kB each", bytes / 1000));
        }
    }
    let after = program.begun();
    let share = |(probes, in_time): (f64, f64)| 100.0 * in_time / probes;
    println!(
        "{:>9.2} % of {} probes began within 5 ms, before the scrapes",
        share(before),
        before.0
    );
    let during = (after.0 - before.0, after.1 - before.1);
    println!("{:>9.2} % of {} between one scrape after another", share(during), during.0);
}
