//! What clients cost that take a place and give nothing for it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::program::{EVERY_TARGET_ONCE, Program};
use crate::simulator::Simulator;
use crate::{QUICK, config};

/// Clients that ask for the metrics and never read them.
const NEVER_READING: usize = 30;
/// So long they are borne.
const CUT_OFF_AFTER: Duration = Duration::from_secs(10);
/// Clients that never ask.
const IDLE: usize = 2_000;

/// Memory may grow by less, in MiB: 100 MB.
const MOST_GROWTH: f64 = 100e6 / (1 << 20) as f64;
/// A scrape may take less than so many times its usual time.
const MOST_TIMES: f64 = 2.0;

const SCRAPES: usize = 30;
const BETWEEN_SCRAPES: Duration = Duration::from_secs(1);
/// Until the last of those that are blocked is cut off, and what it had is free.
const AFTERWARDS: Duration = Duration::from_secs(30);

pub fn print(count: usize) -> ExitCode {
    let simulator = Simulator::start(QUICK);
    let program = Program::start(&config(count, &simulator.url, "15s"));
    println!("{count} targets; MiB, and ms of {SCRAPES} scrapes");
    println!("{:>9} {:>9} {:>8} {:>8}", "resident", "anonymous", "median", "longest");
    std::thread::sleep(EVERY_TARGET_ONCE);
    // The first scrapes fill what later ones use again.
    scrapes(&program);
    let before = scrapes(&program);
    before.say("before");
    let (over, open) = (AtomicBool::new(false), AtomicUsize::new(0));
    let during = std::thread::scope(|scope| {
        scope.spawn(|| pester(&program.address, &over, &open));
        while open.load(Ordering::SeqCst) < NEVER_READING + IDLE {
            std::thread::sleep(Duration::from_millis(10));
        }
        let during = scrapes(&program);
        over.store(true, Ordering::SeqCst);
        during
    });
    during.say(&format!(
        "with {NEVER_READING} clients that never read and {IDLE} idle ones; they came {} times",
        open.load(Ordering::SeqCst)
    ));
    std::thread::sleep(AFTERWARDS);
    scrapes(&program).say("afterwards");
    let growth = during.resident - before.resident;
    let times = during.median() / before.median();
    println!("memory {growth:+.1} MiB, a scrape took {times:.2} times its usual time");
    if growth < MOST_GROWTH && times < MOST_TIMES { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Some scrapes, and what the system saw meanwhile.
struct Seen {
    /// The most, in MiB.
    resident: f64,
    anonymous: f64,
    /// In ms, in order.
    times: Vec<f64>,
}

impl Seen {
    fn median(&self) -> f64 {
        self.times[self.times.len() / 2]
    }

    fn say(&self, when: &str) {
        let longest = self.times[self.times.len() - 1];
        println!(
            "{:>9.1} {:>9.1} {:>8.0} {longest:>8.0}  {when}",
            self.resident,
            self.anonymous,
            self.median()
        );
    }
}

fn scrapes(program: &Program) -> Seen {
    let mut seen = Seen { resident: 0.0, anonymous: 0.0, times: Vec::new() };
    for _ in 0..SCRAPES {
        std::thread::sleep(BETWEEN_SCRAPES);
        let began = Instant::now();
        scrape(&program.address);
        seen.times.push(1_000.0 * began.elapsed().as_secs_f64());
        let (resident, anonymous) = program.resident();
        seen.resident = seen.resident.max(resident);
        seen.anonymous = seen.anonymous.max(anonymous);
    }
    seen.times.sort_by(f64::total_cmp);
    seen
}

/// As Prometheus asks, but for the end of the connection.
fn scrape(address: &str) {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,\
         */*;q=0.2\r\naccept-encoding: gzip\r\nx-prometheus-scrape-timeout-seconds: 10\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "a scrape was refused");
}

/// Connects all of them. One that is idle comes again when it was cut off; one that never reads does not
/// hear of that, and comes again when it must have been. `opened` counts connections.
fn pester(address: &str, over: &AtomicBool, opened: &AtomicUsize) {
    let connect = || {
        opened.fetch_add(1, Ordering::SeqCst);
        TcpStream::connect(address).unwrap()
    };
    let idle = || {
        let client = connect();
        client.set_nonblocking(true).unwrap();
        client
    };
    let mut idle_ones: Vec<TcpStream> = (0..IDLE).map(|_| idle()).collect();
    let mut never_reading = VecDeque::new();
    while !over.load(Ordering::SeqCst) {
        if never_reading.len() == NEVER_READING {
            never_reading.pop_front();
        }
        let mut client = connect();
        // It may be closed for others at any time.
        let _ = client.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n");
        never_reading.push_back(client);
        for client in &mut idle_ones {
            let cut_off = match client.peek(&mut [0]) {
                Ok(bytes) => bytes == 0,
                Err(error) => error.kind() != ErrorKind::WouldBlock,
            };
            if cut_off {
                *client = idle();
            }
        }
        std::thread::sleep(CUT_OFF_AFTER / u32::try_from(NEVER_READING).unwrap());
    }
}
