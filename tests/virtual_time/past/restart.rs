//! What is learnt outlives the program.

use llm_prober::simulate::SimulatorConfig;
use tracing::Level;

use super::{HOUR, Rig, alarms, exposed, lively, read, slower, value};
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
        let (shown, written) = (exposed(&daemon), read(&rig.state_file()));
        assert_eq!(value(&daemon, "alarm_active", "ttft"), alarmed);
        // Both of them alive: the folder is free once the first has drained.
        let next = rig.daemon(KEPT);
        assert_eq!(exposed(&next), shown);
        next.drain().await;
        assert_eq!(read(&rig.state_file()), written);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_program_had_learnt_is_there_too() {
    let rig = Rig::new(lively());
    let killed = rig.daemon(KEPT);
    seconds(HOUR).await;
    let written = read(&rig.state_file());
    let copy = Rig::new(lively());
    std::fs::create_dir(copy.folder.path().join("state")).unwrap();
    std::fs::write(copy.state_file(), written).unwrap();
    let next = copy.daemon(KEPT);
    let [before, after] =
        [killed, next].map(|daemon| value(&daemon, "reference_samples", "ttft").unwrap());
    assert!(after > 200.0 && before - after < 20.0, "{before} {after}");
}

#[tokio::test(start_paused = true)]
async fn without_a_folder_everything_starts_anew() {
    let rig = Rig::new(lively());
    let daemon = rig.daemon("");
    seconds(HOUR).await;
    daemon.drain().await;
    let daemon = rig.daemon("");
    assert_eq!(value(&daemon, "reference_samples", "ttft"), Some(0.0));
    assert!(!rig.state_file().exists());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_kept_aside_and_all_starts_anew() {
    let rig = Rig::new(lively());
    std::fs::create_dir(rig.folder.path().join("state")).unwrap();
    for damaged in
        ["{\"format\"", "{\"format\":\"llm-prober state\",\"version\":99,\"detection\":1}"]
    {
        std::fs::write(rig.state_file(), damaged).unwrap();
        let daemon = rig.daemon(KEPT);
        seconds(HOUR).await;
        assert!(value(&daemon, "reference_samples", "ttft") > Some(200.0));
        assert_eq!(alarms(&daemon), 0.0);
        daemon.drain().await;
        assert_eq!(read(&rig.folder.path().join("state/state.json.refused")), damaged);
        assert!(read(&rig.state_file()).len() > 1000);
    }
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
    let in_the_way = rig.folder.path().join("state/state.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    let log = Log::listen(Level::INFO);
    for _ in 0..2 {
        seconds(HOUR).await;
        assert_eq!((written(), rig.state_file().exists()), (vec![0.0], false));
        assert_eq!(log.count("the state cannot be written"), 1, "not every minute");
    }
    std::fs::remove_dir(&in_the_way).unwrap();
    seconds(HOUR).await;
    assert_eq!((written(), rig.state_file().exists()), (vec![1.0], true));
    assert_eq!(log.count("the state can be written again"), 1);
}
