//! The program in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use llm_prober::metrics::Format;
use procfs::process::Process;

use crate::simulator::BINARY;

/// The first probes of a fleet are spread over an interval, a minute at most.
pub const EVERY_TARGET_ONCE: Duration = Duration::from_secs(75);

/// The running program; ended on drop.
pub struct Program {
    child: Child,
    pub address: String,
    _folder: tempfile::TempDir,
}

impl Program {
    pub fn start(yaml: &str) -> Self {
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
    pub fn resident(&self) -> (f64, f64) {
        let process = Process::new(self.child.id().cast_signed()).unwrap();
        let status = process.status().unwrap();
        let mib = |kib: Option<u64>| kib.unwrap() as f64 / 1024.0;
        (mib(status.vmrss), mib(status.rssanon))
    }

    pub fn say(&self, when: &str) {
        let (resident, anonymous) = self.resident();
        println!("{resident:>9.1} {anonymous:>9.1}  {when}");
    }

    pub fn scrape(&self, format: Format) -> Vec<u8> {
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
    pub fn begun(&self) -> (f64, f64) {
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
