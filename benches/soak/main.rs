//! Whether the program stays as it is: 200 targets whose server has a fault in every twentieth answer, a
//! reload each minute, a scrape each five seconds.
//!
//! ```sh
//! cargo bench --bench soak -- 7200   # two hours
//! ```
//! Prints memory, descriptors, threads and tasks each minute, and at the end how far each has moved since
//! the warm-up and how often a counter fell between two scrapes. Fails where one fell, or where memory at
//! the end is more than 5 % above what it was after the warm-up.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::cast_precision_loss)] // shown with few digits
#![allow(clippy::disallowed_types)] // its clock is the real one

#[path = "../memory/simulator.rs"]
mod simulator;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use procfs::process::Process;
use rustix::process::{Pid, Signal, kill_process};
use simulator::{BINARY, Simulator};

const TARGETS: usize = 200;
const SCRAPE_EVERY: Duration = Duration::from_secs(5);
const RELOAD_EVERY: Duration = Duration::from_secs(60);

/// Until then caches and histories fill.
const WARM_UP: Duration = Duration::from_secs(10 * 60);

/// Memory may grow by so much afterwards.
const MOST_GROWTH: f64 = 0.05;

/// A fault in every twentieth answer, one of five kinds.
const FAULTY: &str = "{model: simulated, slots: 4096, queue: 4096, ttft: 50ms, itl: 2ms, \
     answer_tokens: 32, max_connections: 30000, faults: {http_status: {probability: 0.01, status: 503}, \
     error_event: {probability: 0.01, after_tokens: 5}, truncate: {probability: 0.01, after_tokens: 5}, \
     stall: {probability: 0.01, after_tokens: 5, pause: 5s}, refuse: {probability: 0.01}}}";

/// Each reload changes every target a little.
fn config(url: &str, reload: usize) -> String {
    let interval = 5_000 + reload % 2;
    let mut yaml = format!(
        "defaults: {{interval: {interval}ms, stall_timeout: 2s}}\n\
         change_detection: {{state_dir: state}}\ntargets:\n"
    );
    for i in 0..TARGETS {
        writeln!(yaml, "- {{name: node-{i:03}, url: '{url}', model: simulated}}").unwrap();
    }
    yaml
}

/// The running program; ended on drop.
struct Program {
    child: Child,
    address: String,
}

/// What the system says of it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    resident: f64,
    descriptors: f64,
    threads: f64,
    tasks: f64,
}

impl Program {
    fn start(config: &Path, flights: &Path) -> Self {
        let mut child = Command::new(BINARY)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--flight-recorder.dir={}", flights.display()))
            .args(["--flight-recorder.max-size=16MiB", "--web.listen-address=127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find(|l| l.starts_with("metrics:")).unwrap();
        let address = line.split('/').nth(2).unwrap().to_owned();
        Self { child, address }
    }

    fn reload(&self) {
        let process = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(process, Signal::HUP).unwrap();
    }

    fn scrape(&self) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(connection, "GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "the scrape failed");
        answer
    }

    fn seen(&self, scrape: &str) -> Seen {
        let process = Process::new(self.child.id().cast_signed()).unwrap();
        let status = process.status().unwrap();
        let tasks = scrape.lines().find_map(|line| line.strip_prefix("llm_prober_tasks "));
        Seen {
            resident: status.vmrss.unwrap() as f64 / 1024.0,
            descriptors: process.fd_count().unwrap() as f64,
            threads: status.threads as f64,
            tasks: tasks.map_or(0.0, |tasks| tasks.trim().parse().unwrap()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds each scrape against the one before.
#[derive(Default)]
struct Counters {
    known: HashMap<String, f64>,
    fallen: usize,
    scrapes: usize,
}

impl Counters {
    fn take(&mut self, scrape: &str) {
        self.scrapes += 1;
        for line in scrape.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let name = series.split('{').next().unwrap_or_default();
            if !["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end)) {
                continue;
            }
            let Ok(value) = value.parse::<f64>() else { continue };
            let before = self.known.insert(series.to_owned(), value);
            if let Some(before) = before.filter(|before| value.is_nan() || value < *before) {
                println!("fell from {before} to {value}: {series}");
                self.fallen += 1;
            }
        }
    }
}

/// In one step, as a reload at the same time must see: the old text or the new one.
fn put(config: &Path, text: &str) {
    let new = config.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, config).unwrap();
}

fn main() -> ExitCode {
    llm_prober::transport::resources::raise_open_files(0);
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let seconds: Vec<u64> = arguments.map(|argument| argument.parse().unwrap()).collect();
    let long = Duration::from_secs(seconds.first().copied().unwrap_or(120));
    // Of a short one a part is left as well.
    let warm_up = WARM_UP.min(long / 3);

    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("config.yml");
    let server = Simulator::start(FAULTY);
    put(&file, &config(&server.url, 0));
    let program = Program::start(&file, &folder.path().join("flights"));
    let (begun, mut counters, mut reloads) = (Instant::now(), Counters::default(), 0);
    let (mut warm, mut shown): (Option<Seen>, usize) = (None, 0);
    println!(
        "{:>7} {:>12} {:>11} {:>7} {:>6}",
        "minute", "resident MiB", "descriptors", "threads", "tasks"
    );
    let mut last = loop {
        std::thread::sleep(SCRAPE_EVERY);
        let scrape = program.scrape();
        counters.take(&scrape);
        let (seen, passed) = (program.seen(&scrape), begun.elapsed());
        if passed >= warm_up {
            warm.get_or_insert(seen);
        }
        if passed >= RELOAD_EVERY * u32::try_from(reloads + 1).unwrap() {
            reloads += 1;
            put(&file, &config(&server.url, reloads));
            program.reload();
        }
        let minute = usize::try_from(passed.as_secs() / 60).unwrap();
        if minute > shown || shown == 0 {
            shown = minute.max(1);
            let Seen { resident, descriptors, threads, tasks } = seen;
            println!("{minute:>7} {resident:>12.1} {descriptors:>11} {threads:>7} {tasks:>6}");
        }
        if passed >= long {
            break seen;
        }
    };
    let warm = warm.unwrap_or(last);
    // Between two reloads some things are there twice: the least of the last minute counts.
    for _ in 0..12 {
        std::thread::sleep(SCRAPE_EVERY);
        let scrape = program.scrape();
        counters.take(&scrape);
        let seen = program.seen(&scrape);
        last.resident = last.resident.min(seen.resident);
    }
    let growth = last.resident / warm.resident - 1.0;
    println!("since the warm-up: memory {:+.1} %, {reloads} reloads", 100.0 * growth);
    println!("{} scrapes, {} counters fell", counters.scrapes, counters.fallen);
    if counters.fallen > 0 || growth > MOST_GROWTH { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
