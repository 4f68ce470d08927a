//! The reference server as the bench sees it: a child process and, at its end, its log.

use std::{
    collections::HashMap,
    error::Error,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::server;

/// What the server did for one request, in nanoseconds since the Unix epoch.
pub struct Served {
    /// When the kernel received the request.
    pub received: i64,
    /// Right before each token was written.
    pub sent: Vec<i64>,
}

/// A running server; it ends when its standard input closes.
pub struct Reference {
    child: Child,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Reference {
    /// Starts the server on a free port of loopback.
    pub fn start(answer: &server::Answer) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--serve", &answer.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("expected the server's output to be piped")?;
        let mut output = BufReader::new(stdout);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| "expected a port from the server")?;
        Ok(Self { child, output, port })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it and reads what it logged, by request id.
    pub fn finish(mut self) -> Result<HashMap<String, Served>, Box<dyn Error>> {
        drop(self.child.stdin.take());
        let mut log = HashMap::new();
        for line in self.output.by_ref().lines() {
            let line = line?;
            let mut fields = line.split(' ');
            let id = fields.next().unwrap_or_default().to_owned();
            let stamps: Result<Vec<i64>, _> = fields.map(str::parse).collect();
            let mut stamps = stamps?.into_iter();
            let received = stamps.next().ok_or("expected a receive stamp in the server's log")?;
            log.insert(id, Served { received, sent: stamps.collect() });
        }
        Ok(log)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
