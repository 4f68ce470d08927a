//! The prober as a child process, and its metrics page over one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use procfs::process::Process;

use crate::library::write_script;

/// A running prober; ended on drop.
pub struct Prober {
    child: Child,
    folder: tempfile::TempDir,
    connection: BufReader<TcpStream>,
}

impl Prober {
    /// With these settings of its GPUs, and the script of the library.
    pub fn start(gpu: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_script(&folder.path().join("script"), script);
        let config = folder.path().join("config.yml");
        let target = "{name: t, url: 'http://127.0.0.1:9/v1', model: m, interval: 1d}";
        std::fs::write(&config, format!("gpu: {{{gpu}}}\ntargets: [{target}]\n")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_llm-prober"))
            .arg(format!("--config.file={}", config.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .env("NVML_SCRIPT", folder.path().join("script"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find(|l| l.starts_with("metrics:")).unwrap();
        let address = line.split('/').nth(2).unwrap().to_owned();
        let connection = BufReader::new(TcpStream::connect(address).unwrap());
        Self { child, folder, connection }
    }

    /// Changes the GPUs.
    pub fn script(&self, script: &str) {
        write_script(&self.folder.path().join("script"), script);
    }

    /// Fetches the metrics page.
    pub fn scrape(&mut self) {
        let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
        self.connection.get_mut().write_all(request).unwrap();
        while !self.line().is_empty() {}
        // It is streamed, in chunks.
        loop {
            let length = usize::from_str_radix(&self.line(), 16).expect("the length of a chunk");
            self.connection.read_exact(&mut vec![0; length + 2]).unwrap();
            if length == 0 {
                break;
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// User and system time of all its threads so far, to a clock tick.
    pub fn processor_time(&self) -> Duration {
        let process = Process::new(self.child.id().cast_signed()).unwrap();
        let stat = process.stat().unwrap();
        let ticks = u32::try_from(stat.utime + stat.stime).unwrap();
        Duration::from_secs(1) * ticks / u32::try_from(procfs::ticks_per_second()).unwrap()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
