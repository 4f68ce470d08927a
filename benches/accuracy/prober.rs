//! Runs the binary and reads its JSON lines.

use std::{error::Error, io::Write, path::Path, process::Command, time::Duration};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use serde::Deserialize;

use crate::runs::Load;

/// The fields of `llm-prober probe --output json` that are checked here.
#[derive(Deserialize)]
pub struct Probe {
    #[serde(rename = "probe_id")]
    pub id: String,
    pub outcome: String,
    pub started_unix_nanos: i64,
    /// Seconds.
    pub ttft: Option<f64>,
    /// Seconds since the start, one per content event.
    pub content_at: Vec<f64>,
    pub timestamp_source: Option<String>,
}

/// All probes of one run, and what they cost.
pub struct Probed {
    pub probes: Vec<Probe>,
    /// Processor time of the whole process, user and system.
    pub cpu: Duration,
}

/// Probes the reference server with this load.
pub fn run(program: &Path, port: u16, load: &Load) -> Result<Probed, Box<dyn Error>> {
    let mut config = tempfile::Builder::new().suffix(".yml").tempfile()?;
    writeln!(config, "targets:")?;
    writeln!(config, "  - name: reference")?;
    writeln!(config, "    url: http://127.0.0.1:{port}/v1")?;
    writeln!(config, "    model: reference")?;
    config.flush()?;
    let before = processor_time_of_children()?;
    let output = Command::new(program)
        .arg("probe")
        .arg("--config.file")
        .arg(config.path())
        .args(["--target", "reference", "--output", "json"])
        .args(["--count", &load.requests.to_string()])
        .args(["--concurrency", &load.concurrency.to_string()])
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("could not start {}: {error}", program.display()))?;
    let cpu = processor_time_of_children()?.saturating_sub(before);
    let text = String::from_utf8(output.stdout)?;
    let probes: Vec<Probe> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    if probes.len() != load.requests as usize {
        let (expected, got) = (load.requests, probes.len());
        return Err(
            format!("expected {expected} lines of JSON, got {got}: {}", output.status).into()
        );
    }
    Ok(Probed { probes, cpu })
}

/// Of those that have ended: the server has not yet when the prober has.
pub fn processor_time_of_children() -> Result<Duration, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let duration = |time: TimeVal| -> Result<Duration, Box<dyn Error>> {
        let seconds = Duration::from_secs(time.tv_sec().try_into()?);
        Ok(seconds + Duration::from_micros(time.tv_usec().try_into()?))
    };
    Ok(duration(usage.user_time())? + duration(usage.system_time())?)
}
