//! What the system sees of the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use llm_prober::metrics::Format;
use procfs::process::Process;

use crate::config;
use crate::simulator::{BINARY, Simulator};

/// The first probes of a fleet are spread over an interval, a minute at most.
const EVERY_TARGET_ONCE: Duration = Duration::from_secs(75);

/// The running program; ended on drop.
struct Program {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Program {
    fn start(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.yml");
        std::fs::write(&config, yaml).unwrap();
        let mut child = Command::new(BINARY)
            .arg("run")
            .arg(format!("--config.file={}", config.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find(|l| l.starts_with("metrics:")).unwrap();
        let address = line.split('/').nth(2).unwrap().to_owned();
        Self { child, address, _folder: folder }
    }

    /// Resident memory, and the part of it that is no file's, in MiB.
    fn say(&self, when: &str) {
        let process = Process::new(self.child.id().cast_signed()).unwrap();
        let status = process.status().unwrap();
        let mib = |kib: Option<u64>| kib.unwrap() as f64 / 1024.0;
        println!("{:>9.1} {:>9.1}  {when}", mib(status.vmrss), mib(status.rssanon));
    }

    fn scrape(&self, format: Format) -> Vec<u8> {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(
            connection,
            "GET /metrics HTTP/1.0\r\nhost: localhost\r\naccept: {}\r\n\r\n",
            format.content_type()
        )
        .unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.0 200"), "the scrape failed");
        answer
    }

    /// Probes so far, and those that began within 5 ms of their schedule.
    fn begun(&self) -> (f64, f64) {
        let text = String::from_utf8(self.scrape(Format::ClassicText)).unwrap();
        let value = |series: &str| -> f64 {
            let found = text.lines().find_map(|line| line.strip_prefix(series));
            found.unwrap_or_else(|| panic!("no {series}")).trim().parse().unwrap()
        };
        let delay = "llm_prober_schedule_delay_seconds";
        (value(&format!("{delay}_count ")), value(&format!("{delay}_bucket{{le=\"0.005\"}} ")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn print(count: usize, interval: &str) {
    let simulator = Simulator::start();
    let program = Program::start(&config(count, &simulator.url, interval));
    println!("{count} targets, each asked every {interval}, MiB\n{:>9} {:>9}", "resident", "anonymous");
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
