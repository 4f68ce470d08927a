//! What is learnt outlives the program.

use std::time::{SystemTime, UNIX_EPOCH};

use llm_prober::memory::history::Occasion;
use llm_prober::simulate::SimulatorConfig;
use llm_prober::target::Moved;
use tracing::Level;

use super::{HOUR, Rig, alarms, exposed, lively, of_workload, read, slower, value};
use crate::common::exposition::Exposition;
use crate::common::log::Log;
use crate::seconds;

const KEPT: &str = "reference: 4h, state_dir: state";

/// In the middle of a reference, of the evidence and of an alarm.
#[tokio::test(start_paused = true)]
async fn every_statistic_is_there_again_to_the_last_bit() {
    let rig = Rig::new(SimulatorConfig { script: vec![slower(6, 100)], ..lively() });
    for (hours, alarmed) in [(2, None), (4, Some(0.0)), (4, Some(1.0))] {
        let daemon = rig.daemon(KEPT);
        seconds(hours * HOUR).await;
        daemon.drain().await;
        let (shown, written) = (exposed(&daemon), rig.learnt());
        assert_eq!(value(&daemon, "alarm_active", "ttft"), alarmed);
        // Both of them alive: the folder is free once the first has drained.
        let next = rig.daemon(KEPT);
        assert_eq!(exposed(&next), shown);
        next.drain().await;
        assert_eq!(rig.learnt(), written);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_program_had_learnt_is_there_too() {
    let rig = Rig::new(lively());
    let killed = rig.daemon(KEPT);
    seconds(HOUR).await;
    let written = std::fs::read(rig.state_file()).unwrap();
    let copy = Rig::new(lively());
    std::fs::create_dir(copy.folder.path().join("state")).unwrap();
    std::fs::write(copy.state_file(), written).unwrap();
    let next = copy.daemon(KEPT);
    let [before, after] =
        [killed, next].map(|daemon| of_workload(&daemon, "reference_samples").unwrap());
    assert!(after > 200.0 && before - after < 20.0, "{before} {after}");
}

/// However it ends, the next run spends no more than the budget leaves.
#[tokio::test(start_paused = true)]
async fn a_killed_program_is_taken_to_have_spent_at_least_what_it_has() {
    let today = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    for after in [1, 59, 299] {
        // The budget is per day of the wall clock, which is not paused.
        let [at_kill, at_end] = loop {
            let day = today();
            let found = killed_after(after).await;
            if today() == day {
                break found;
            }
        };
        let (believed, spent) = at_kill;
        // No more than a few minutes' probes of 8 tokens beside those that may be under way.
        assert!(believed >= spent && believed < spent + 300.0 * 8.0, "{after}: {at_kill:?}");
        assert_eq!(at_end.0, at_end.1, "{after}");
    }
}

/// What is written down as spent and what is, at a moment in the midst and at the program's own end.
async fn killed_after(after: u64) -> [(f64, f64); 2] {
    let (rig, copy) = (Rig::new(lively()), Rig::new(lively()));
    rig.write(", interval: 1s, budget: {output_tokens_per_day: 1000000}", KEPT);
    let killed = rig.start().unwrap();
    seconds(after).await;
    let written = std::fs::read(rig.state_file()).unwrap();
    std::fs::create_dir(copy.folder.path().join("state")).unwrap();
    std::fs::write(copy.state_file(), written).unwrap();
    let spent = || Exposition::of(&killed.metrics).sum("llm_prober_output_tokens_total", &[]);
    let at_kill = (copy.spent(), spent());
    killed.drain().await;
    [at_kill, (rig.spent(), spent())]
}

#[tokio::test(start_paused = true)]
async fn without_a_folder_everything_starts_anew() {
    let rig = Rig::new(lively());
    let daemon = rig.daemon("");
    seconds(HOUR).await;
    daemon.drain().await;
    let daemon = rig.daemon("");
    assert_eq!(of_workload(&daemon, "reference_samples"), Some(0.0));
    assert!(!rig.state_file().exists());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_kept_aside_and_all_starts_anew() {
    let rig = Rig::new(lively());
    std::fs::create_dir(rig.folder.path().join("state")).unwrap();
    // What was set aside before stays there.
    for (damaged, aside) in [
        ("{\"format\"", "state.json.refused"),
        (
            "{\"format\":\"llm-prober state\",\"version\":99,\"detection\":1}",
            "state.json.refused.1",
        ),
    ] {
        std::fs::write(rig.folder.path().join("state/state.json"), damaged).unwrap();
        let daemon = rig.daemon(KEPT);
        seconds(HOUR).await;
        assert!(of_workload(&daemon, "reference_samples") > Some(200.0));
        assert_eq!(alarms(&daemon), 0.0);
        daemon.drain().await;
        assert_eq!(read(&rig.folder.path().join("state").join(aside)), damaged);
        assert!(rig.learnt().to_string().len() > 1000);
        std::fs::remove_file(rig.state_file()).unwrap();
    }
    std::fs::write(rig.state_file(), "nonsense").unwrap();
    let daemon = rig.daemon(KEPT);
    assert_eq!(of_workload(&daemon, "reference_samples"), Some(0.0));
    assert_eq!(read(&rig.folder.path().join("state/state.redb.refused")), "nonsense");
}

/// A real one, of two targets and a comparison after a minute of reference and some alarms.
#[tokio::test(start_paused = true)]
async fn the_file_of_an_earlier_release_goes_on() {
    let rig = Rig::new(lively());
    let folder = rig.folder.path().join("state");
    std::fs::create_dir(&folder).unwrap();
    let old = include_str!("../../fixtures/state/state.json");
    std::fs::write(folder.join("state.json"), old).unwrap();
    let found: serde_json::Value = serde_json::from_str(old).unwrap();
    assert_eq!(rig.learnt(), found["sections"]["change_detection"]);
    // The targets are others, so their references begin anew; how often they were alarmed is told
    // still, and nothing stands in the way of the start.
    let yaml = "seed: 3\n\
        slos: {quick: {objective: 0.99, ttft: 500ms}}\n\
        workloads: {w: {prompts: {inline: [hi]}, max_output_tokens: 4}}\n\
        targets: [{name: a, url: 'http://a.test/v1', model: m}]\n\
        change_detection: {state_dir: state}\n";
    std::fs::write(rig.file(), yaml.replace("name: a", "name: b")).unwrap();
    let config = llm_prober::config::Config::load(&rig.file()).unwrap();
    let metrics = llm_prober::metrics::Metrics::new(llm_prober::metrics::MetricsOptions::default());
    let dial = crate::common::simulated::dial([("b", rig.server.dialer())].into());
    let daemon =
        llm_prober::daemon::Daemon::start(config, Some(rig.file()), metrics, dial).unwrap();
    let raised = Exposition::of(&daemon.metrics);
    assert_eq!(raised.sum("llm_prober_change_alarms_total", &["target=\"b\""]), 2.0);
    daemon.drain().await;
    assert!(folder.join("state.json.migrated").exists() && !folder.join("state.json").exists());
    assert_eq!(rig.learnt()["b"]["w"]["latencies"][0]["alarms"], 1);
}

/// Only the wall clock goes on while nothing runs.
#[tokio::test(start_paused = true)]
async fn the_history_and_the_money_spent_are_there_again() {
    let rig = Rig::new(lively());
    let budget = ", budget: {output_tokens_per_day: 100}";
    rig.write(budget, KEPT);
    let daemon = rig.start().unwrap();
    seconds(HOUR).await;
    daemon.drain().await;
    let scrape = Exposition::of(&daemon.metrics);
    let made = scrape.sum("llm_prober_probes_total", &[]);
    assert!((10.0..20.0).contains(&made), "the budget ends it: {made}");
    let next = rig.start().unwrap();
    seconds(HOUR).await;
    assert_eq!(Exposition::of(&next.metrics).sum("llm_prober_probes_total", &[]), 0.0);
    let (config, now) = (next.config(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
    let now = i64::try_from(now.as_nanos()).unwrap();
    let overview = next.history.overview(&config.targets[0], now);
    assert_eq!((f64::from(overview.month.probes), f64::from(overview.hour.probes)), (made, made));
    assert!(overview.last.is_some(), "how it stood");
    next.drain().await;
    // Somebody changes the model while nothing runs.
    let text = std::fs::read_to_string(rig.file()).unwrap().replace("model: m", "model: n");
    std::fs::write(rig.file(), text).unwrap();
    let third = rig.start().unwrap();
    let marks = third.history.overview(&third.config().targets[0], now).marks;
    assert_eq!(marks.len(), 1, "{marks:?}");
    assert_eq!(marks[0].what, Occasion::Moved(Moved::Model));
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_used_is_refused_at_the_start() {
    let rig = Rig::new(lively());
    std::fs::write(rig.folder.path().join("state"), "a file").unwrap();
    rig.write("", KEPT);
    let error = rig.start().err().unwrap();
    assert!(error.starts_with("cannot make the state folder"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_written_is_told_and_tried_again() {
    let rig = Rig::new(lively());
    let daemon = rig.daemon(KEPT);
    let written = || {
        let scrape = Exposition::of(&daemon.metrics);
        scrape.values("llm_prober_state_last_write_successful", &[])
    };
    assert_eq!(written(), Vec::<f64>::new());
    let in_the_way = rig.state_file();
    std::fs::remove_file(&in_the_way).unwrap();
    std::fs::create_dir(&in_the_way).unwrap();
    let log = Log::listen(Level::INFO);
    for _ in 0..2 {
        seconds(HOUR).await;
        assert_eq!((written(), rig.state_file().is_file()), (vec![0.0], false));
        assert_eq!(log.count("the state cannot be written"), 1, "not every minute");
    }
    std::fs::remove_dir(&in_the_way).unwrap();
    seconds(HOUR).await;
    assert_eq!((written(), rig.state_file().is_file()), (vec![1.0], true));
    assert_eq!(log.count("the state can be written again"), 1);
}
