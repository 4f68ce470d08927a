//! A new configuration changes what changed, and nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use llm_prober::config::Config;
use llm_prober::daemon::Daemon;
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::simulate::SimulatorConfig;

use super::seconds;
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial, exact};

/// A daemon with its configuration file; `a`, `b` and `c` have a server each, other names none.
struct Rig {
    daemon: Arc<Daemon>,
    servers: [(&'static str, Server); 3],
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Rig {
    /// Runs with the given targets for 100 s: name and further keys. Each has its first probe at once
    /// and then one per second.
    async fn new(targets: &[(&str, &str)]) -> Self {
        let servers = ["a", "b", "c"].map(|name| (name, Server::new(exact(3))));
        let dialers: Dialers = servers.iter().map(|(name, s)| (*name, s.dialer())).collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("llm-prober.yml");
        std::fs::write(&file, yaml(targets)).unwrap();
        let config = Config::load(&file).unwrap();
        let metrics = Metrics::new(MetricsOptions::default());
        let daemon = Daemon::start(config, Some(file.clone()), metrics, dial(dialers)).unwrap();
        let rig = Self { daemon, servers, file, _folder: folder };
        seconds(100).await;
        rig
    }

    async fn reload(&self, text: &str) -> Result<(), String> {
        std::fs::write(&self.file, text).unwrap();
        self.daemon.reload().await
    }

    fn probes(&self, target: &str) -> f64 {
        let target = format!("target=\"{target}\"");
        Exposition::of(&self.daemon.metrics).sum("llm_prober_probes_total", &[&target])
    }

    fn dials(&self, name: &str) -> usize {
        self.servers.iter().find(|(n, _)| *n == name).unwrap().1.dials()
    }

    fn is_exposed(&self, target: &str) -> bool {
        !Exposition::of(&self.daemon.metrics).of_target(target).is_empty()
    }

    fn check_last_reload(&self, successful: f64) {
        let scrape = Exposition::of(&self.daemon.metrics);
        assert_eq!(scrape.sum("llm_prober_config_last_reload_successful", &[]), successful);
        let at = "llm_prober_config_last_reload_success_timestamp_seconds";
        assert!(scrape.sum(at, &[]) > 0.0);
    }
}

fn yaml(targets: &[(&str, &str)]) -> String {
    let head = "seed: 1\n\
        workloads: {w: {weight: 1, prompts: {inline: [hi]}}}\n\
        defaults: {interval: 1s, arrival: constant}\n\
        targets:\n";
    targets.iter().fold(head.to_owned(), |yaml, (name, settings)| {
        yaml + &format!("  - {{name: {name}, url: 'http://{name}.test/v1', model: m{settings}}}\n")
    })
}

#[tokio::test(start_paused = true)]
async fn only_what_changed() {
    let rig = Rig::new(&[("a", ""), ("b", ""), ("c", "")]).await;
    assert_eq!(["a", "b", "c"].map(|t| rig.probes(t)), [101.0; 3]);
    rig.check_last_reload(1.0);
    let dials = ["a", "b", "c"].map(|t| rig.dials(t));
    // `a` stays (its place in the file does not matter), `b` changes, `c` goes.
    rig.reload(&yaml(&[("b", ", timeout: 30s"), ("a", "")])).await.unwrap();
    assert_eq!(["a", "b"].map(|t| rig.probes(t)), [101.0, 0.0]);
    assert!(!rig.is_exposed("c"));
    assert_eq!(["a", "b", "c"].map(|t| rig.daemon.history.probes(t).len()), [32, 0, 0]);
    seconds(10).await;
    assert_eq!(["a", "b"].map(|t| rig.probes(t)), [111.0, 11.0]);
    assert_eq!([rig.dials("a"), rig.dials("c")], [dials[0], dials[2]]);
    assert!(rig.dials("b") > dials[1], "over connections of its own");
    assert!(!rig.is_exposed("c") && rig.daemon.history.probes("c").is_empty());
    assert_eq!(rig.servers[2].1.requests(), 101.0, "nobody asks `c` any more");
    // What is back begins anew.
    rig.reload(&yaml(&[("a", ""), ("c", "")])).await.unwrap();
    seconds(10).await;
    assert_eq!(["a", "c"].map(|t| rig.probes(t)), [121.0, 11.0]);
    assert!(!rig.is_exposed("b"));
    let [a, b, c] = rig.servers.each_ref().map(|(_, s)| s.open());
    assert!(a > 0 && b == 0 && c > 0, "{a} {b} {c}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_changes_nothing() {
    let before = [("a", ""), ("b", "")];
    let rig = Rig::new(&before).await;
    let dials = ["a", "b"].map(|t| rig.dials(t));
    let broken = [
        ("targets: [".to_owned(), "llm-prober.yml:1:"),
        // A good change beside a bad target.
        (yaml(&[("a", ", timeout: 30s"), ("b", ", timeout: 0s")]), "llm-prober.yml:6:"),
        // A target for which there is no transport.
        (yaml(&[("a", ", timeout: 30s"), ("d", "")]), "no server"),
    ];
    let mut probes = 101.0;
    for (text, why) in broken {
        let error = rig.reload(&text).await.unwrap_err();
        assert!(error.contains(why), "{error}");
        rig.check_last_reload(0.0);
        seconds(10).await;
        probes += 10.0;
        assert_eq!(["a", "b"].map(|t| rig.probes(t)), [probes; 2]);
        assert!(!rig.is_exposed("d"));
        assert_eq!(rig.daemon.config().targets.len(), 2);
    }
    std::fs::remove_file(&rig.file).unwrap();
    rig.daemon.reload().await.unwrap_err();
    rig.reload(&yaml(&before)).await.unwrap();
    rig.check_last_reload(1.0);
    assert_eq!(["a", "b"].map(|t| rig.probes(t)), [131.0; 2]);
    assert_eq!(["a", "b"].map(|t| rig.dials(t)), dials);
}

/// Probes under way when their target goes are let finish, and leave no trace.
#[tokio::test(start_paused = true)]
async fn a_removed_target_with_probes_under_way() {
    let slow = Server::new(SimulatorConfig { ttft: Duration::from_secs(3), ..exact(3) });
    let mut rig = Rig::new(&[("a", "")]).await;
    rig.daemon.drain().await;
    let dialers = Dialers::from([("a", rig.servers[0].1.dialer()), ("slow", slow.dialer())]);
    let both = yaml(&[("a", ""), ("slow", ", max_in_flight: 64")]);
    std::fs::write(&rig.file, both).unwrap();
    let config = Config::load(&rig.file).unwrap();
    let metrics = Metrics::new(MetricsOptions::default());
    rig.daemon = Daemon::start(config, Some(rig.file.clone()), metrics, dial(dialers)).unwrap();
    seconds(20).await;
    let asked = slow.requests();
    assert!(rig.probes("slow") < asked, "some are under way");
    rig.reload(&yaml(&[("a", "")])).await.unwrap();
    seconds(20).await;
    assert!(!rig.is_exposed("slow") && rig.daemon.history.probes("slow").is_empty());
    assert_eq!((slow.requests(), slow.open()), (asked, 0));
    assert_eq!(rig.probes("a"), 41.0);
}

/// What it started would never be stopped.
#[tokio::test(start_paused = true)]
async fn not_while_the_program_ends() {
    let rig = Rig::new(&[("a", "")]).await;
    rig.daemon.drain().await;
    let error = rig.reload(&yaml(&[("a", ""), ("b", "")])).await.unwrap_err();
    assert_eq!(error, "the program is ending");
    seconds(10).await;
    assert_eq!((rig.servers[0].1.requests(), rig.dials("b")), (101.0, 0));
}
