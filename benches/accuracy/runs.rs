//! The runs: which load, in which order, and the processes that each of them needs.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use clap::Parser;

use crate::{peer, prober, reference::Reference, report::Report, server};

/// What the server sends and how many ask for it at a time.
pub struct Load {
    pub name: &'static str,
    pub requests: u32,
    pub concurrency: u32,
    pub answer: server::Answer,
}

const ONE_STREAM: Load = Load {
    name: "1 stream",
    requests: 200,
    concurrency: 1,
    answer: server::Answer {
        tokens: 20,
        first: Duration::from_millis(10),
        gap: Duration::from_millis(5),
    },
};

const THOUSAND_STREAMS: Load = Load {
    name: "1,000 streams",
    requests: 3_000,
    concurrency: 1_000,
    answer: server::Answer {
        tokens: 50,
        first: Duration::from_millis(100),
        gap: Duration::from_millis(10),
    },
};

#[derive(Parser)]
struct Arguments {
    /// One JSON object per run instead of the table.
    #[arg(long)]
    json: bool,
    /// Repeat the runs beside this many processes that keep a core busy each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=256))]
    busy: Option<u16>,
    /// The binary to measure.
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_llm-prober"))]
    prober: PathBuf,
    /// Lay a sweep beside this AIPerf instead, on the same server under the same load.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["json", "busy"])]
    aiperf: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the reference server: `TOKENS,FIRST_MS,GAP_MS`.
    #[arg(long, hide = true)]
    serve: Option<server::Answer>,
    /// Keep a core busy until standard input closes.
    #[arg(long, hide = true)]
    spin: bool,
}

/// Runs what the command line asks for.
pub fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(answer) = &arguments.serve {
        return Ok(server::serve(answer)?);
    }
    if arguments.spin {
        spin();
        return Ok(());
    }
    if let Some(aiperf) = &arguments.aiperf {
        println!("{}", peer::heading());
        for load in [&ONE_STREAM, &THOUSAND_STREAMS] {
            println!("{}", peer::compare(&arguments.prober, aiperf, load)?);
        }
        return Ok(());
    }
    if !arguments.json {
        println!("{}", Report::heading());
    }
    let mut failed = 0;
    for busy in std::iter::once(0).chain(arguments.busy) {
        let _processes = start_busy(busy)?;
        for load in [&ONE_STREAM, &THOUSAND_STREAMS] {
            let report = measure(&arguments.prober, load, busy)?;
            failed += report.failed;
            println!("{}", if arguments.json { report.json() } else { report.row() });
        }
    }
    if failed > 0 {
        return Err(format!("expected every probe to succeed, {failed} did not").into());
    }
    Ok(())
}

fn measure(program: &Path, load: &Load, busy: u16) -> Result<Report, Box<dyn Error>> {
    let reference = Reference::start(&load.answer)?;
    let result = prober::run(program, reference.port(), load)?;
    Ok(Report::new(load, busy, &result, &reference.finish()?))
}

/// Stops with the process that started it, however that one ends.
fn spin() {
    let waiter = std::thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    while !waiter.is_finished() {
        std::hint::spin_loop();
    }
}

struct Busy(Vec<Child>);

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

fn start_busy(count: u16) -> std::io::Result<Busy> {
    let mut busy = Busy(Vec::new());
    for _ in 0..count {
        let program = std::env::current_exe()?;
        busy.0.push(Command::new(program).arg("--spin").stdin(Stdio::piped()).spawn()?);
    }
    Ok(busy)
}
