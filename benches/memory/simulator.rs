//! A simulated server in a process of its own, so that its memory is not counted.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

pub const BINARY: &str = env!("CARGO_BIN_EXE_llm-prober");

/// Ended on drop.
pub struct Simulator {
    child: Child,
    pub url: String,
    _config: tempfile::NamedTempFile,
}

impl Simulator {
    /// With this configuration.
    pub fn start(text: &str) -> Self {
        let mut config = tempfile::NamedTempFile::new().unwrap();
        config.write_all(text.as_bytes()).unwrap();
        let mut child = Command::new(BINARY)
            .args(["simulate", "--web.listen-address=127.0.0.1:0"])
            .arg(format!("--config.file={}", config.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find_map(|l| l.ok().filter(|l| l.contains("url=http"))).unwrap();
        let url =
            line.split_whitespace().find_map(|word| word.strip_prefix("url=")).unwrap().to_owned();
        // What it says later is read and forgotten, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url, _config: config }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
