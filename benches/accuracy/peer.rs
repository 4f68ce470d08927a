//! A sweep's table beside AIPerf's records, on the same server under the same load.
//!
//! `cargo bench --bench accuracy -- --aiperf PROGRAM`, with AIPerf's own variables in the environment
//! (`TIKTOKEN_CACHE_DIR`, `HF_HUB_OFFLINE=1`). Each is held against the log of its own run: of the
//! same server, but not of the same requests.

use std::{
    collections::HashMap,
    error::Error,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    prober::processor_time_of_children,
    reference::{Reference, Served},
    runs::Load,
};

/// What one of them says, and what the server says of the same run.
struct Side {
    name: &'static str,
    requests: usize,
    /// Milliseconds, on average.
    ttft: f64,
    itl: f64,
    /// Of each answer, on average.
    tokens: f64,
    cpu: Duration,
    server: Truth,
}

/// The server's own log, on average.
struct Truth {
    ttft: f64,
    itl: f64,
    tokens: f64,
}

/// Runs both, one after the other.
pub fn compare(prober: &Path, aiperf: &Path, load: &Load) -> Result<String, Box<dyn Error>> {
    let sides = [sweep(prober, load)?, peer(aiperf, load)?];
    let rows = sides.map(|side| side.row(load));
    Ok(rows.join("\n"))
}

/// The head of the table.
pub fn heading() -> String {
    "| load | program | requests | TTFT avg, ms | server's log | off by | ITL avg, ms | \
     server's log | off by | tokens per answer | server's log | CPU, s |\n\
     | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        .to_owned()
}

impl Side {
    fn row(&self, load: &Load) -> String {
        let Self { name, requests, ttft, itl, tokens, cpu, server } = self;
        format!(
            "| {} | {name} | {requests} | {ttft:.3} | {:.3} | {:+.3} | {itl:.4} | {:.4} | \
             {:+.2} % | {tokens:.2} | {:.2} | {:.2} |",
            load.name,
            server.ttft,
            ttft - server.ttft,
            server.itl,
            100.0 * (itl / server.itl - 1.0),
            server.tokens,
            cpu.as_secs_f64(),
        )
    }
}

#[allow(clippy::cast_precision_loss)] // counts are far below 2^53
fn mean(values: impl Iterator<Item = f64>) -> Result<f64, Box<dyn Error>> {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return Err("expected at least one value of each figure".into());
    }
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

#[allow(clippy::cast_precision_loss)] // nanoseconds of a run are far below 2^53
fn truth(served: &HashMap<String, Served>) -> Result<Truth, Box<dyn Error>> {
    let ms = |from: i64, to: i64| (to - from) as f64 / 1e6;
    let spans = served.values().filter_map(|s| {
        let gaps = s.sent.len().checked_sub(1).filter(|gaps| *gaps > 0)?;
        Some(ms(*s.sent.first()?, *s.sent.last()?) / gaps as f64)
    });
    let firsts = served.values().filter_map(|s| Some(ms(s.received, *s.sent.first()?)));
    Ok(Truth {
        ttft: mean(firsts)?,
        itl: mean(spans)?,
        tokens: mean(served.values().map(|s| s.sent.len() as f64))?,
    })
}

fn run(command: &mut Command) -> Result<(Vec<u8>, Duration), Box<dyn Error>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let before = processor_time_of_children()?;
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("could not start {name}: {error}"))?;
    let cpu = processor_time_of_children()?.saturating_sub(before);
    Ok((output.stdout, cpu))
}

fn sweep(program: &Path, load: &Load) -> Result<Side, Box<dyn Error>> {
    let reference = Reference::start(&load.answer)?;
    let mut command = Command::new(program);
    command
        .arg("sweep")
        .arg(format!("http://127.0.0.1:{}/v1", reference.port()))
        .args(["--model=reference", "--export=json"])
        .arg(format!("--concurrency={}", load.concurrency))
        .arg(format!("--requests={}", load.requests));
    let (stdout, cpu) = run(&mut command)?;
    let report: Value = serde_json::from_slice(&stdout)?;
    let level = &report["levels"][0];
    let number = |value: &Value| value.as_f64().ok_or(format!("expected a number in {level}"));
    let completed = number(&level["completed"])?;
    Ok(Side {
        name: "llm-prober sweep",
        requests: usize::try_from(level["completed"].as_u64().unwrap_or_default())?,
        ttft: 1e3 * number(&level["ttft"]["avg"])?,
        itl: 1e3 * number(&level["itl"]["avg"])?,
        tokens: number(&level["output_tokens"])? / completed,
        cpu,
        server: truth(&reference.finish()?)?,
    })
}

fn peer(program: &Path, load: &Load) -> Result<Side, Box<dyn Error>> {
    let reference = Reference::start(&load.answer)?;
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(program);
    command
        .args(["profile", "-m", "reference", "--endpoint-type", "chat", "--streaming"])
        .args(["--tokenizer", "builtin", "--isl", "20", "--export-level", "records"])
        .args(["--ui", "none", "--no-server-metrics", "--no-gpu-telemetry"])
        .args(["--url", &format!("http://127.0.0.1:{}", reference.port())])
        .args(["--concurrency", &load.concurrency.to_string()])
        .args(["--request-count", &load.requests.to_string()])
        .args(["--osl", &load.answer.tokens.to_string()])
        .arg("--artifact-dir")
        .arg(folder.path());
    let (_, cpu) = run(&mut command)?;
    let text = std::fs::read_to_string(folder.path().join("profile_export.jsonl"))?;
    let records: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let figure = |name: &'static str| {
        mean(records.iter().filter_map(move |record| record["metrics"][name]["value"].as_f64()))
            .map_err(|error| format!("{name}: {error}"))
    };
    Ok(Side {
        name: "AIPerf",
        requests: records.len(),
        ttft: figure("time_to_first_token")?,
        itl: figure("inter_token_latency")?,
        tokens: figure("output_sequence_length")?,
        cpu,
        server: truth(&reference.finish()?)?,
    })
}
