//! Heap bytes per target, by their owner.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, network};
use llm_prober::metrics::{Format, Metrics, MetricsOptions};
use llm_prober::transport::IoThreads;
use tokio::time::Instant;

use crate::profile::{self, Site};
use crate::simulator::Simulator;
use crate::{QUICK, config};

/// The first probes of a fleet are spread over a minute.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many sites are shown.
const SHOWN: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Stage {
    Started,
    Probed,
    Scraped,
}

const STAGES: [(&str, Stage); 3] =
    [("started", Stage::Started), ("probed", Stage::Probed), ("scraped", Stage::Scraped)];

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = STAGES.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, stage)| stage).ok_or_else(|| format!("no stage {text}"))
    }
}

/// Bytes per target at each stage.
type Row = [f64; STAGES.len()];

pub fn print(count: usize) {
    let simulator = Simulator::start(QUICK);
    let (mut rooms, mut sites) = (BTreeMap::<String, Row>::new(), BTreeMap::<Site, Row>::new());
    let mut once = Row::default();
    for (i, (name, _)) in STAGES.into_iter().enumerate() {
        for (targets, sign) in [(count, 1.0), (1, -1.0)] {
            for (site, bytes) in held(name, &config(targets, &simulator.url, "10m")) {
                let share = sign * bytes as f64 / (count - 1) as f64;
                rooms.entry(site.room.clone()).or_default()[i] += share;
                sites.entry(site).or_default()[i] += share;
                if targets == 1 {
                    once[i] += bytes as f64 / 1024.0;
                }
            }
        }
    }
    let shown = |name: &str, row: &Row| {
        println!("{:>9.0} {:>9.0} {:>9.0}  {name}", row[0], row[1], row[2]);
    };
    println!(
        "\nBytes per target, with {count} targets\n{:>9} {:>9} {:>9}",
        "started", "probed", "scraped"
    );
    let total =
        rooms.values().fold(Row::default(), |sum, row| std::array::from_fn(|i| sum[i] + row[i]));
    shown("all", &total);
    println!("by room:");
    for (room, row) in by_size(&rooms) {
        shown(room, row);
    }
    println!("by site:");
    for (site, row) in by_size(&sites).into_iter().take(SHOWN) {
        shown(&site.to_string(), row);
    }
    println!("KiB with one target:");
    shown("all", &once);
}

fn by_size<K>(rows: &BTreeMap<K, Row>) -> Vec<(&K, &Row)> {
    let mut rows: Vec<_> = rows.iter().collect();
    let largest = |row: &Row| row.iter().copied().fold(0.0, f64::max);
    rows.sort_by(|a, b| largest(b.1).total_cmp(&largest(a.1)));
    rows
}

/// Bytes held at a stage, by site.
fn held(stage: &str, yaml: &str) -> BTreeMap<Site, i64> {
    let folder = tempfile::tempdir().unwrap();
    let (config, file) = (folder.path().join("config.yml"), folder.path().join("heap.json"));
    std::fs::write(&config, yaml).unwrap();
    let this = std::env::current_exe().unwrap();
    let ended = Command::new(this).arg("stage").arg(stage).arg(config).arg(&file).status();
    assert!(ended.unwrap().success(), "{stage}");
    profile::read(&file)
}

/// Runs the daemon up to a stage and writes down what it holds.
pub fn stage(stage: Stage, config: &str, file: &str) {
    let profiler = dhat::Profiler::builder().file_name(file).trim_backtraces(Some(60)).build();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let daemon = runtime.block_on(async {
        let config = Config::load(Path::new(config)).unwrap();
        let count = config.targets.len();
        let io = IoThreads::start(2).unwrap();
        let metrics = Metrics::new(MetricsOptions::default());
        let daemon = Daemon::start(config, None, metrics, network(io)).unwrap();
        let began = Instant::now();
        while stage >= Stage::Probed && probed(&daemon) < count {
            assert!(began.elapsed() < PATIENCE, "{} of {count} targets probed", probed(&daemon));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for _ in 0..if stage == Stage::Scraped { 3 } else { 0 } {
            for format in Format::ALL {
                daemon.metrics.write(format, &mut io::sink()).unwrap();
            }
        }
        daemon
    });
    drop(profiler);
    drop(daemon);
    // What is under way is of no interest any more.
    runtime.shutdown_background();
}

/// Targets of which something is known.
fn probed(daemon: &Daemon) -> usize {
    let targets = &daemon.config().targets;
    targets.iter().filter(|t| !daemon.history.probes(&t.name).is_empty()).count()
}
