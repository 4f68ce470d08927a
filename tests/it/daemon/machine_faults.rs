//! What happens to the machine, with a healthy target that must not notice.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::fault_matrix::Watch;
use crate::common::daemon::Program;
use crate::common::eventually::{eventually, only_if};
use crate::common::exposition::Exposition;
use crate::daemon::{Folder, simulator};

const HEALTHY: [&str; 1] = ["target=\"healthy\""];

/// A healthy target beside one that fails, so that there is something to write down.
async fn folder() -> Folder {
    let server = simulator().await;
    Folder::with(&format!(
        "defaults: {{interval: 50ms}}\n\
         targets:\n\
         - {{name: healthy, url: 'http://{server}/v1', model: simulated}}\n\
         - {{name: lost, url: 'http://{server}/nowhere', model: simulated}}\n\
         change_detection: {{state_dir: state}}\n"
    ))
}

/// A library from this source; `false` where there is no compiler.
fn compiled(source: &str, library: &Path) -> bool {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/daemon").join(source);
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).args([library, &source]).arg("-ldl");
    let Ok(output) = compiler.output() else { return false };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

/// Shifts the wall clock of a program that is started with it.
struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// `None` where there is no compiler.
    fn new(folder: &Folder) -> Option<Self> {
        let clock =
            Self { library: folder.path("clock_shift.so"), file: folder.path("clock_shift") };
        clock.step_to(0);
        compiled("clock_shift.c", &clock.library).then_some(clock)
    }

    fn step_to(&self, seconds: i64) {
        use std::os::unix::fs::FileExt;
        // In place: it is mapped.
        let mut options = std::fs::File::options();
        let file = options.create(true).truncate(false).write(true).open(&self.file).unwrap();
        file.write_all_at(&(seconds * 1_000_000_000).to_ne_bytes(), 0).unwrap();
    }
}

/// An hour is what a clock that was wrong at the start is put right by, and what summer time costs
/// where somebody sets the clock by hand.
#[tokio::test]
async fn a_clock_that_steps() {
    let folder = folder().await;
    let Some(clock) = Clock::new(&folder) else {
        println!("skipped: no C compiler");
        return;
    };
    let environment = [
        ("LD_PRELOAD", clock.library.to_str().unwrap()),
        ("CLOCK_SHIFT", clock.file.to_str().unwrap()),
    ];
    let flag = folder.flag();
    let arguments = [flag.as_str(), "--web.listen-address=127.0.0.1:0"];
    let mut watch = Watch::new(Program::start(arguments, &environment));
    watch.goes_on().await;
    let by_kernel = |m: &Exposition| {
        m.sum("llm_prober_timestamp_source_total", &["target=\"healthy\"", "source=\"kernel\""])
    };
    let written =
        |m: &Exposition| m.sum("llm_prober_state_last_write_success_timestamp_seconds", &[]);
    watch.until("a write", |m| written(m) > 0.0).await;
    for hours in [1, 0, -1, 24, 0] {
        let before = watch.scrape().await;
        clock.step_to(hours * 3_600);
        watch.goes_on().await;
        let stamped = by_kernel(&before) > 0.0;
        let after = watch
            .until("kernel stamps again", |m| !stamped || by_kernel(m) > by_kernel(&before))
            .await;
        for figure in ["time_to_first_token", "inter_token_latency", "request_latency"] {
            let of = |what: &str| {
                let name = format!("llm_prober_{figure}_seconds_{what}");
                after.sum(&name, &HEALTHY)
            };
            let (sum, count) = (of("sum"), of("count"));
            // A step that got into a figure is an hour of it.
            assert!(sum < 60.0 * count.max(1.0), "{figure}: {sum} s of {count}");
        }
        assert_eq!(watch.daemon.get("/").await.status, 200);
    }
    watch.daemon.signal("TERM");
    assert_eq!(watch.daemon.ended().await.code(), Some(0), "{}", watch.daemon.stderr());
}

/// More names hang than are looked up at a time, and none of the others is asked for first.
#[tokio::test]
async fn a_resolver_that_hangs() {
    const HANG: usize = 48;
    const SLOW: usize = 12;
    let server = simulator().await;
    let mut config = format!(
        "defaults: {{interval: 500ms, timeout: 30s}}\n\
         targets:\n\
         - {{name: healthy, url: 'http://{server}/v1', model: simulated}}\n"
    );
    for n in 0..SLOW {
        let url = format!("http://slow-{n}.test:{}/v1", server.port());
        writeln!(config, "- {{name: slow-{n}, url: '{url}', model: simulated}}").unwrap();
    }
    for n in 0..HANG {
        let url = format!("http://hangs-{n}.test/v1");
        writeln!(config, "- {{name: hangs-{n}, url: '{url}', model: simulated}}").unwrap();
    }
    let folder = Folder::with(&config);
    let library = folder.path("slow_names.so");
    if !compiled("slow_names.c", &library) {
        println!("skipped: no C compiler");
        return;
    }
    let flag = folder.flag();
    let arguments = [flag.as_str(), "--web.listen-address=127.0.0.1:0"];
    let environment = [("LD_PRELOAD", library.to_str().unwrap())];
    let mut watch = Watch::new(Program::start(arguments, &environment));
    watch.goes_on().await;
    let failed = |m: &Exposition, target: &str, reason: &str| {
        let (target, reason) = (format!("target=\"{target}\""), format!("reason=\"{reason}\""));
        m.sum("llm_prober_probe_failures_total", &[&target, &reason])
    };
    let hang = |m: &Exposition, reason: &str| {
        (0..HANG).filter(|n| failed(m, &format!("hangs-{n}"), reason) > 0.0).count()
    };
    let seen = watch.until("each of them is `resolve`", |m| hang(m, "resolve") == HANG).await;
    assert_eq!(hang(&seen, "timeout"), 0, "{seen}");
    let is_found = |m: &Exposition, target: &str| {
        let labels = format!("target=\"{target}\"");
        let all = m.sum("llm_prober_probes_total", &[&labels]);
        all > m.sum("llm_prober_probe_failures_total", &[&labels])
    };
    watch
        .until("each slow name is found", |m| (0..SLOW).all(|n| is_found(m, &format!("slow-{n}"))))
        .await;
    // Everything that may not wait for it.
    folder.write("llm-prober.yml", &config.replace("timeout: 30s", "timeout: 31s"));
    let reload =
        |m: &Exposition| m.sum("llm_prober_config_last_reload_success_timestamp_seconds", &[]);
    let before = reload(&seen);
    watch.daemon.signal("HUP");
    watch.until("a reload", |m| reload(m) > before).await;
    watch.goes_on().await;
    assert_eq!(watch.daemon.get("/").await.status, 200);
    watch.daemon.signal("TERM");
    assert_eq!(watch.daemon.ended().await.code(), Some(0), "{}", watch.daemon.stderr());
}

/// Lets the process write no file beyond so many bytes; it is told, as it is told of a full disk, by
/// an error.
fn limit_files(program: &Program, most: Option<u64>) {
    let process = Pid::from_raw(program.id().try_into().unwrap());
    prlimit(process, Resource::Fsize, Rlimit { current: most, maximum: None }).unwrap();
}

#[tokio::test]
async fn a_disk_without_room() {
    let folder = folder().await;
    let flights = format!("--flight-recorder.dir={}", folder.path("flights").display());
    let arguments = [folder.flag(), flights, "--web.listen-address=127.0.0.1:0".to_owned()];
    // Else the signal that comes with the error ends it.
    let mut watch = Watch::new(Program::behind("trap '' XFSZ", arguments));
    let is_written = |m: &Exposition| m.values("llm_prober_state_last_write_successful", &[]);
    let lost = |m: &Exposition| m.sum("llm_prober_flight_records_lost_total", &[]);
    watch.until("a write", |m| is_written(m) == [1.0]).await;
    assert_eq!(lost(&watch.scrape().await), 0.0);

    limit_files(&watch.daemon, Some(0));
    watch.until("a lost write", |m| is_written(m) == [0.0]).await;
    watch.until("lost records", |m| lost(m) > 0.0).await;
    watch.goes_on().await;
    assert_eq!(watch.daemon.get("/").await.status, 200);
    assert_eq!(watch.daemon.get("/-/ready").await.status, 200);

    limit_files(&watch.daemon, None);
    watch.until("another write", |m| is_written(m) == [1.0]).await;
    // Their names begin with the time.
    let newest = || {
        let records = std::fs::read_dir(folder.path("flights")).unwrap().map(Result::unwrap);
        let names = records.map(|record| record.file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".flight.jsonl")).max().unwrap_or_default()
    };
    let before = newest();
    eventually("another record", async || only_if(newest() > before, newest())).await;
    watch.goes_on().await;
    watch.daemon.signal("TERM");
    assert_eq!(watch.daemon.ended().await.code(), Some(0));
}

/// The store itself is killed two hundred times in a test of its own; here it is the program.
#[tokio::test]
async fn killed_again_and_again() {
    let folder = folder().await;
    let flights = format!("--flight-recorder.dir={}", folder.path("flights").display());
    let mut kept: Option<u64> = None;
    for round in 0..4 {
        let daemon = Program::daemon([folder.flag(), flights.clone()]).await;
        let mut watch = Watch::new(daemon);
        watch.goes_on().await;
        let list = watch.daemon.get("/api/v1/targets/healthy").await;
        let target: serde_json::Value = serde_json::from_str(list.text()).unwrap();
        let month = target["month"]["probes"].as_u64().unwrap();
        assert!(kept.is_none_or(|kept| month >= kept), "{month} of {kept:?}");
        let log = watch.daemon.stderr();
        assert!(!log.contains("ERROR") && !log.contains("starting anew"), "{log}");
        if round == 0 {
            let written = |m: &Exposition| m.values("llm_prober_state_last_write_successful", &[]);
            watch.until("a write", |m| written(m) == [1.0]).await;
            // What is there by then is never lost again.
            kept = Some(month);
        }
        for _ in 0..round {
            watch.scrape().await; // another moment each time
        }
        watch.daemon.signal("KILL");
        watch.daemon.ended().await;
    }
    assert!(!folder.path("state/state.redb.refused").exists());
    let records = std::fs::read_dir(folder.path("flights")).unwrap().map(Result::unwrap);
    let mut whole = 0;
    for record in records {
        let name = record.file_name().into_string().unwrap();
        if name.ends_with(".flight.jsonl") {
            let bytes = std::fs::read(record.path()).unwrap();
            let read = llm_prober::memory::flight::FlightRecord::read(&bytes);
            assert!(read.is_ok(), "{name}: {}", read.unwrap_err());
            whole += 1;
        }
    }
    assert!(whole > 4, "{whole} records");
}
