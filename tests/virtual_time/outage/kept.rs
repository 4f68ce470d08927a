//! An outage goes on over a reload and over a restart.

use std::path::PathBuf;
use std::sync::Arc;

use llm_prober::config::Config;
use llm_prober::daemon::Daemon;

use super::{MINUTE, Mortal, clock, confirmed, row, since, started, until, yaml};
use crate::common::simulated::exact;
use crate::seconds;

struct Rig {
    server: Mortal,
    clock: llm_prober::watcher::WallClock,
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { server: Mortal::new(exact(4)), clock: clock(), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("llm-prober.yml")
    }

    fn write(&self, settings: &str) {
        let text = yaml(settings).replace("{enabled: false}", "{enabled: false, state_dir: state}");
        std::fs::write(self.file(), text).unwrap();
    }

    fn start(&self) -> Arc<Daemon> {
        let config = Config::load(&self.file()).unwrap();
        started(&self.clock, config, Some(self.file()), self.server.dialer())
    }

    /// A daemon in an outage.
    async fn down(&self) -> Arc<Daemon> {
        self.write(", interval: 10m, arrival: constant");
        let daemon = self.start();
        seconds(1).await;
        self.server.kill(true);
        until("an outage", || row(&daemon) >= Some(3)).await;
        daemon
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_reload_that_changes_the_target() {
    let rig = Rig::new();
    let daemon = rig.down().await;
    let before = (row(&daemon), since(&daemon));
    rig.write(", interval: 10m, arrival: constant, timeout: 30s");
    daemon.reload().await.unwrap();
    assert_eq!((row(&daemon), since(&daemon)), before);
    // The new settings are tried at once.
    seconds(1).await;
    assert_eq!((row(&daemon), since(&daemon)), (before.0.map(|n| n + 1), before.1));
    // And where they mend it, that is seen soon.
    rig.server.kill(false);
    rig.write(", interval: 10m, arrival: constant, timeout: 31s");
    daemon.reload().await.unwrap();
    seconds(12).await;
    assert_eq!(row(&daemon), Some(0));
}

#[tokio::test(start_paused = true)]
async fn in_the_middle_of_a_doubt() {
    let rig = Rig::new();
    rig.write(", interval: 10m, arrival: constant");
    let daemon = rig.start();
    seconds(1).await;
    rig.server.kill(true);
    until("a failure", || row(&daemon) == Some(1)).await;
    rig.write(", interval: 10m, arrival: constant, timeout: 30s");
    daemon.reload().await.unwrap();
    seconds(11).await;
    assert_eq!((row(&daemon), confirmed(&daemon)), (Some(3), 1), "begun anew where it was");
    seconds(MINUTE).await;
    assert_eq!(confirmed(&daemon), 1);
}

#[tokio::test(start_paused = true)]
async fn over_a_restart() {
    let rig = Rig::new();
    let daemon = rig.down().await;
    let before = (row(&daemon), since(&daemon));
    daemon.drain().await;
    let next = rig.start();
    assert_eq!((row(&next), since(&next)), before);
    rig.server.kill(false);
    seconds(1).await;
    assert_eq!((row(&next), since(&next)), before, "one answer is none yet");
    seconds(11).await;
    assert_eq!(row(&next), Some(0));
}

#[tokio::test(start_paused = true)]
async fn not_of_a_target_that_was_gone_in_between() {
    let rig = Rig::new();
    let daemon = rig.down().await;
    let text = std::fs::read_to_string(rig.file()).unwrap();
    for name in ["u", "t"] {
        std::fs::write(rig.file(), text.replace("name: t,", &format!("name: {name},"))).unwrap();
        daemon.reload().await.unwrap();
        assert_eq!(row(&daemon), None, "{name}");
        seconds(1).await;
        assert_eq!(row(&daemon), Some(1), "{name}");
    }
}
