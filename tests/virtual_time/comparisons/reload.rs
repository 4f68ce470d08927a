//! A new configuration disturbs only the comparisons that it changes.

use std::path::PathBuf;
use std::sync::Arc;

use llm_prober::config::Config;
use llm_prober::daemon::Daemon;
use llm_prober::metrics::{Metrics, MetricsOptions};

use super::{HOUR, sum};
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial, exact};
use crate::seconds;

struct Rig {
    daemon: Arc<Daemon>,
    servers: [Server; 3],
    file: PathBuf,
    _folder: tempfile::TempDir,
}

fn yaml(targets: [&str; 3], comparisons: &[(&str, &str, &str)]) -> String {
    let names = ["a", "b", "c"].into_iter();
    let target = |(name, settings): (&str, &str)| {
        format!("  - {{name: {name}, url: 'http://{name}.test/v1', model: m{settings}}}\n")
    };
    let targets: String = names.zip(targets).map(target).collect();
    let comparison = |(name, candidate, settings): &(&str, &str, &str)| {
        format!("{{name: {name}, baseline: a, candidate: {candidate}, interval: 15s{settings}}}")
    };
    let comparisons: Vec<_> = comparisons.iter().map(comparison).collect();
    format!(
        "seed: 1\n\
         workloads: {{w: {{weight: 1, prompts: {{inline: [hi]}}, max_output_tokens: 3}}}}\n\
         defaults: {{interval: 7d, arrival: constant}}\n\
         targets:\n{targets}comparisons: [{}]\n",
        comparisons.join(", ")
    )
}

impl Rig {
    async fn new(comparisons: &[(&str, &str, &str)]) -> Self {
        let servers = [(); 3].map(|()| Server::new(exact(3)));
        let names = ["a", "b", "c"].into_iter();
        let dialers: Dialers = names.zip(&servers).map(|(n, s)| (n, s.dialer())).collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("llm-prober.yml");
        std::fs::write(&file, yaml([""; 3], comparisons)).unwrap();
        let config = Config::load(&file).unwrap();
        let metrics = Metrics::new(MetricsOptions::default());
        let daemon = Daemon::start(config, Some(file.clone()), metrics, dial(dialers)).unwrap();
        seconds(HOUR).await;
        Self { daemon, servers, file, _folder: folder }
    }

    async fn reload(&self, targets: [&str; 3], comparisons: &[(&str, &str, &str)]) {
        std::fs::write(&self.file, yaml(targets, comparisons)).unwrap();
        self.daemon.reload().await.unwrap();
    }

    fn pairs(&self, comparison: &str) -> f64 {
        let comparison = format!("comparison=\"{comparison}\"");
        sum(&self.daemon, "comparison_pairs_total", &[&comparison])
    }

    fn is_exposed(&self, comparison: &str) -> bool {
        let comparison = format!("comparison=\"{comparison}\"");
        let scrape = Exposition::of(&self.daemon.metrics);
        !scrape.values("llm_prober_comparison_info", &[&comparison]).is_empty()
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_changed() {
    let rig = Rig::new(&[("same", "b", ""), ("other", "c", "")]).await;
    assert_eq!(["same", "other"].map(|c| rig.pairs(c)), [240.0; 2]);
    // `other` changes.
    rig.reload([""; 3], &[("same", "b", ""), ("other", "c", ", tolerance: 9%")]).await;
    assert_eq!(["same", "other"].map(|c| rig.pairs(c)), [240.0, 0.0]);
    seconds(HOUR).await;
    assert_eq!(["same", "other"].map(|c| rig.pairs(c)), [480.0, 240.0]);
    // Its candidate does.
    rig.reload(["", "", ", timeout: 9s"], &[("same", "b", ""), ("other", "c", ", tolerance: 9%")])
        .await;
    assert_eq!(["same", "other"].map(|c| rig.pairs(c)), [480.0, 0.0]);
    seconds(HOUR).await;
    assert_eq!(["same", "other"].map(|c| rig.pairs(c)), [720.0, 240.0]);
    // It goes.
    rig.reload([""; 3], &[("same", "b", "")]).await;
    seconds(1).await; // `c` has changed, and is probed anew
    let asked = rig.servers[2].requests();
    seconds(HOUR).await;
    assert!(!rig.is_exposed("other"));
    assert_eq!((rig.pairs("same"), rig.servers[2].requests()), (960.0, asked));
}

/// More streams need more evidence each, so that the fleet as a whole stays as quiet.
#[tokio::test(start_paused = true)]
async fn thresholds_follow_the_fleet_and_evidence_stays() {
    let rig = Rig::new(&[("same", "b", "")]).await;
    let verdict = ["comparison=\"same\"", "signal=\"failure\"", "verdict=\"not_worse\""];
    let evidence_now = || sum(&rig.daemon, "comparison_verdict_evidence", &verdict);
    let threshold_now = || sum(&rig.daemon, "change_evidence_threshold", &verdict[..1]);
    let (evidence, threshold) = (evidence_now(), threshold_now());
    assert!(evidence > 0.0 && threshold > 0.0);
    let streams = || f64::from(u32::try_from(rig.daemon.config().watched_streams()).unwrap());
    let few = streams();
    rig.reload([""; 3], &[("same", "b", ""), ("other", "c", "")]).await;
    assert_eq!(evidence_now(), evidence);
    let more = threshold_now() - threshold;
    assert!(streams() > few && (more - (streams() / few).log10()).abs() < 1e-9, "{more}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_once_the_program_ends() {
    let rig = Rig::new(&[("same", "b", "")]).await;
    rig.daemon.drain().await;
    let asked = rig.servers[1].requests();
    seconds(HOUR).await;
    assert_eq!(rig.servers[1].requests(), asked);
}
