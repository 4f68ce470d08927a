//! A new configuration changes what changed, and nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use llm_prober::answer::failure::FailureReason;
use llm_prober::config::Config;
use llm_prober::daemon::Daemon;
use llm_prober::memory::history::Occasion;
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::simulate::SimulatorConfig;
use llm_prober::target::Moved;

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
        self.daemon.reload().await.map_err(|e| e.to_string())
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
    assert_eq!(["a", "b"].map(|t| rig.probes(t)), [101.0, 101.0]);
    assert!(!rig.is_exposed("c"));
    assert_eq!(["a", "b", "c"].map(|t| rig.daemon.history.probes(t).len()), [32, 32, 0]);
    seconds(10).await;
    // One at once, and ten, the last of which may be under way.
    assert!(rig.probes("a") == 111.0 && (111.0..=112.0).contains(&rig.probes("b")));
    assert_eq!([rig.dials("a"), rig.dials("c")], [dials[0], dials[2]]);
    assert!(rig.dials("b") > dials[1], "over connections of its own");
    assert!(!rig.is_exposed("c") && rig.daemon.history.probes("c").is_empty());
    assert_eq!(rig.servers[2].1.requests(), 101.0, "nobody asks `c` any more");
    // What is back begins anew.
    rig.reload(&yaml(&[("a", ""), ("c", "")])).await.unwrap();
    seconds(10).await;
    // The last of them may be under way.
    assert!(rig.probes("a") == 121.0 && (10.0..=11.0).contains(&rig.probes("c")));
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
        (yaml(&[("a", ", timeout: 30s"), ("d", "")]), "target `d`: the URL has no host"),
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

/// The page of an incident stays while it is being mended.
#[tokio::test(start_paused = true)]
async fn a_changed_label_keeps_counters_and_history() {
    let rig = Rig::new(&[("a", ", labels: {stack: old}"), ("b", "")]).await;
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_nanos()).unwrap()
    };
    let seen = |stack: &str| {
        let labels = ["target=\"a\"", &format!("stack=\"{stack}\"")];
        let scrape = Exposition::of(&rig.daemon.metrics);
        let ttft = "llm_prober_time_to_first_token_seconds_count";
        [scrape.sum("llm_prober_probes_total", &labels), scrape.sum(ttft, &labels)]
    };
    let ids = || {
        let probes = rig.daemon.history.probes("a");
        probes.iter().map(|p| p.summary.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    let (before, remembered) = (seen("old"), ids());
    assert_eq!(before, [101.0, 101.0]);
    for (target, stack) in [("{stack: new}", "new"), ("{stack: new, team: x}", "new"), ("{}", "")] {
        let b = ("b", ", labels: {stack: b}"); // so that there is such a label at all
        rig.reload(&yaml(&[("a", &format!(", labels: {target}")), b])).await.unwrap();
        assert_eq!((seen(stack), ids()), (before, remembered.clone()), "{target}");
    }
    seconds(10).await;
    // Ten, the last of which may be under way, and one at once after each reload that lasts:
    // whether the new settings work is soon known.
    let after = seen("");
    assert!(after[0] == after[1] && (110.0..=114.0).contains(&after[0]), "{after:?}");
    let config = rig.daemon.config();
    let a = config.targets.iter().find(|t| t.name == "a").unwrap();
    let overview = rig.daemon.history.overview(a, now());
    assert_eq!(f64::from(overview.month.probes), after[0]);
    assert_eq!(overview.marks, vec![]);
}

/// Counters go on; a line says that it is another one.
#[tokio::test(start_paused = true)]
async fn another_model_draws_a_line() {
    let rig = Rig::new(&[("a", ""), ("b", "")]).await;
    let other =
        yaml(&[("a", ""), ("b", "")]).replace("b.test/v1', model: m", "b.test/v1', model: n");
    rig.reload(&other).await.unwrap();
    assert_eq!(rig.probes("b"), 101.0);
    let config = rig.daemon.config();
    let marks = |i: usize| rig.daemon.history.overview(&config.targets[i], 0).marks;
    assert_eq!(marks(0), []);
    let moved = marks(1);
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].what, Occasion::Moved(Moved::Model));
    assert!(moved[0].unix_nanos > 0);
}

/// Or else the server would have it in its prefix cache, and be measured faster than it is.
#[tokio::test(start_paused = true)]
async fn no_prompt_is_sent_twice() {
    let caching = Server::new(SimulatorConfig { prefix_cache: true, ..exact(3) });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    let prompt = "so long that it takes a few blocks of any cache, ".repeat(5);
    let write = |label: &str| {
        let text = yaml(&[("a", &format!(", labels: {{stack: {label}}}"))]);
        std::fs::write(&file, text.replace("inline: [hi]", &format!("inline: ['{prompt}']")))
            .unwrap();
    };
    write("old");
    let metrics = Metrics::new(MetricsOptions::default());
    let dial = dial(Dialers::from([("a", caching.dialer())]));
    let config = Config::load(&file).unwrap();
    let daemon = Daemon::start(config, Some(file.clone()), metrics, dial).unwrap();
    seconds(100).await;
    write("new");
    daemon.reload().await.unwrap();
    seconds(100).await;
    let scrape = Exposition::of(&daemon.metrics);
    assert!(scrape.sum("llm_prober_probes_total", &[]) > 190.0);
    assert_eq!(scrape.sum("llm_prober_cached_input_tokens_total", &[]), 0.0);
}

/// A probe that hangs is what an incident is about; a reload does not hide it.
#[tokio::test(start_paused = true)]
async fn probes_under_way_when_their_target_changes_are_remembered() {
    let slow = Server::new(SimulatorConfig { ttft: Duration::from_secs(60), ..exact(3) });
    let mut rig = Rig::new(&[("a", "")]).await;
    rig.daemon.drain().await;
    std::fs::write(&rig.file, yaml(&[("slow", "")])).unwrap();
    let config = Config::load(&rig.file).unwrap();
    let metrics = Metrics::new(MetricsOptions::default());
    let dial = dial(Dialers::from([("slow", slow.dialer())]));
    rig.daemon = Daemon::start(config, Some(rig.file.clone()), metrics, dial).unwrap();
    seconds(10).await;
    assert_eq!(rig.probes("slow"), 0.0);
    rig.reload(&yaml(&[("slow", ", labels: {stack: new}, interval: 1h")])).await.unwrap();
    seconds(10).await;
    let given_up = rig.daemon.history.probes("slow");
    let reasons: Vec<_> = given_up.iter().map(|p| p.summary.reason).collect();
    assert_eq!(reasons, [Some(FailureReason::Cancelled); 4]);
    assert_eq!(rig.probes("slow"), 0.0);
    let given_up = "llm_prober_probes_given_up_total";
    assert_eq!(Exposition::of(&rig.daemon.metrics).sum(given_up, &[]), 4.0);
}

/// A reload must not be a way around a budget.
#[tokio::test(start_paused = true)]
async fn what_was_spent_is_spent() {
    let rig = Rig::new(&[("a", ", budget: {output_tokens_per_day: 30}")]).await;
    // Three tokens each; those under way when the budget ends are let finish.
    let spent = rig.probes("a");
    assert!((10.0..=14.0).contains(&spent), "{spent}");
    for timeout in ["30s", "31s"] {
        let settings = format!(", timeout: {timeout}, budget: {{output_tokens_per_day: 30}}");
        rig.reload(&yaml(&[("a", &settings)])).await.unwrap();
        seconds(20).await;
        assert_eq!(rig.probes("a"), spent);
    }
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
