//! Whoever is asked how a comparison stands says the same, at every moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use llm_prober::config::Config;
use llm_prober::daemon::Daemon;
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::regression::detect::Verdict;
use llm_prober::report::comparison::ComparisonJson;
use llm_prober::report::comparison_table;
use llm_prober::simulate::{Phase, SimulatorConfig};
use llm_prober::web::{self, Site, WebOptions};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{MINUTE, lively, yaml};
use crate::common::exposition::Exposition;
use crate::common::simulated::{Dialers, Server, dial};
use crate::seconds;

/// Two servers, and a daemon that can be reloaded and restarted.
struct Rig {
    servers: [Server; 2],
    folder: tempfile::TempDir,
    /// Where it keeps its state, if it does: writing it every minute takes most of the time.
    state: &'static str,
    daemon: Arc<Daemon>,
}

/// Margins so wide that a verdict takes an hour, and no day.
const WIDE: &str = ", tolerance: 20%, failure_margin: 5%";

/// 2.2 times as slow, after some minutes, for some minutes.
fn slower(after: u64, lasts: Option<u64>) -> SimulatorConfig {
    let minutes = |n: u64| Duration::from_secs(n * MINUTE);
    let phase = Phase {
        after: minutes(after),
        lasts: lasts.map(minutes),
        ttft_factor: 2.2,
        itl_factor: 2.2,
        ..Phase::default()
    };
    SimulatorConfig { script: vec![phase], ..lively(2) }
}

impl Rig {
    fn new(candidate: SimulatorConfig) -> Self {
        Self::with("change_detection: {state_dir: state}\n", candidate)
    }

    /// That is never restarted.
    fn without_state(candidate: SimulatorConfig) -> Self {
        Self::with("", candidate)
    }

    fn with(state: &'static str, candidate: SimulatorConfig) -> Self {
        let servers = [Server::new(lively(1)), Server::new(candidate)];
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("llm-prober.yml"), Self::config(state, WIDE)).unwrap();
        let daemon = Self::start(&folder, &servers);
        Self { servers, folder, state, daemon }
    }

    fn config(state: &str, settings: &str) -> String {
        format!("{state}{}", yaml(settings))
    }

    fn start(folder: &tempfile::TempDir, [a, b]: &[Server; 2]) -> Arc<Daemon> {
        let file: PathBuf = folder.path().join("llm-prober.yml");
        let config = Config::load(&file).unwrap();
        let dialers = Dialers::from([("a", a.dialer()), ("b", b.dialer())]);
        let metrics = Metrics::new(MetricsOptions::default());
        Daemon::start(config, Some(file), metrics, dial(dialers)).unwrap()
    }

    async fn restart(&mut self) {
        self.daemon.drain().await;
        self.daemon = Self::start(&self.folder, &self.servers);
    }

    async fn reload(&self, settings: &str, interval: &str) {
        let file = self.folder.path().join("llm-prober.yml");
        let config = Self::config(self.state, settings)
            .replace("interval: 15s", &format!("interval: {interval}"));
        std::fs::write(file, config).unwrap();
        self.daemon.reload().await.unwrap();
    }

    async fn ask(&self, method: Method, path: &str) -> (StatusCode, String) {
        let site =
            Site::new(Arc::clone(&self.daemon), WebOptions::default(), CancellationToken::new());
        let uri = format!("http://prober.test{path}");
        let request = Request::builder().method(method).uri(uri).body(Empty::<Bytes>::new());
        let service = TowerToHyperService::new(web::router(site));
        let response = service.call(request.unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> String {
        let (status, body) = self.ask(Method::GET, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// How it stands, after everybody who can be asked has said the same.
    async fn told(&self) -> Told {
        let json: Value = serde_json::from_str(&self.get("/api/v1/comparisons").await).unwrap();
        let json = &json["comparisons"][0];
        let told = Told {
            verdict: json["verdict"].as_str().unwrap().to_owned(),
            run: json["run"].as_str().unwrap().to_owned(),
            changed_since: json["changed_since_unix_seconds"].as_f64(),
        };
        self.metrics_agree(&told, json);
        self.pages_agree(&told).await;
        self.program_agrees(&told);
        // Within the object itself, too.
        let streams = json["workloads"][0]["signals"].as_array().unwrap();
        let says = |verdict: &str| streams.iter().any(|s| s["verdict"] == verdict);
        let alarm = streams.iter().any(|s| s["alarm"] == true);
        assert_eq!(told.changed_since.is_some(), alarm, "{json}");
        assert_eq!(json["waits_for"].is_string(), told.verdict == "undecided", "{json}");
        match &*told.verdict {
            "regressed" => assert!(says("regressed"), "{json}"),
            "changed" => {
                assert!(alarm && says("changed") && !says("not_worse"), "{json}");
            }
            "not_worse" => {
                assert!(!alarm && says("not_worse") && !says("changed"), "{json}");
                assert!(json["workloads"][0]["answered"].as_u64().unwrap() >= 50, "{json}");
                for effect in streams.iter().filter_map(|s| s["effect"]["lower"].as_f64()) {
                    assert!(effect <= 1.2, "{json}");
                }
            }
            _ => assert!(!alarm && !says("changed") && !says("regressed"), "{json}"),
        }
        told
    }

    fn metrics_agree(&self, told: &Told, json: &Value) {
        let scrape = Exposition::of(&self.daemon.metrics);
        let run = format!("run=\"{}\"", told.run);
        for verdict in ["undecided", "not_worse", "changed", "regressed"] {
            let labels = [&*run, &*format!("verdict=\"{verdict}\"")];
            let found = scrape.values("llm_prober_comparison_verdict", &labels);
            let expect = if told.verdict == verdict { 1.0 } else { 0.0 };
            assert_eq!(found, [expect], "{verdict} {json}");
        }
        assert_eq!(scrape.values("llm_prober_comparison_verdict", &[]).len(), 4, "one run");
        let since = scrape.values("llm_prober_comparison_changed_since_timestamp_seconds", &[]);
        assert_eq!(since, told.changed_since.as_slice());
        let alarms = ["comparison=\"canary\""];
        let on = scrape.sum("llm_prober_change_alarm_active", &alarms) > 0.0;
        assert_eq!(on, told.changed_since.is_some());
        // What the templates for rollouts make of it: only a verdict aborts, only one promotes.
        let of = |verdict: &str| {
            let labels = [&*run, &*format!("verdict=\"{verdict}\"")];
            scrape.sum("llm_prober_comparison_verdict", &labels)
        };
        let expect = match &*told.verdict {
            "not_worse" => 1.0,
            "regressed" => -1.0,
            _ => 0.0,
        };
        assert_eq!(of("not_worse") - of("regressed"), expect);
    }

    async fn pages_agree(&self, told: &Told) {
        let word = told.verdict.replace('_', " ");
        let badge = format!("</span> {word}</span>");
        let page = self.get("/comparisons/canary").await;
        let (_, summary) = page.split_once("data-live=\"state\"").unwrap();
        let (summary, rest) = summary.split_once("</p>").unwrap();
        assert!(summary.contains(&badge), "{word}: {summary}");
        assert!(rest.contains(&format!("<code>{}</code>", told.run)), "{rest}");
        let good = rest.contains("</span> not worse</span>");
        assert!(!good || told.changed_since.is_none(), "{rest}");
        let targets = self.get("/").await;
        let (_, row) = targets.split_once("data-live=\"comparisons\"").unwrap();
        assert!(row.contains(&badge), "{word}: {row}");
    }

    fn program_agrees(&self, told: &Told) {
        let live = self.daemon.metrics.comparisons()[0].clone();
        let snapshot = live.snapshot();
        let (verdict, code) = match &*told.verdict {
            "not_worse" => (Verdict::NotWorse, 0),
            "regressed" => (Verdict::Regressed, 1),
            "changed" => (Verdict::Changed, 2),
            _ => (Verdict::Undecided, 2),
        };
        assert_eq!((snapshot.standing.verdict, snapshot.standing.exit_code()), (verdict, code));
        let object = ComparisonJson::new(live.spec(), live.seed(), &snapshot);
        let object = serde_json::to_value(object).unwrap();
        assert_eq!(
            (&object["verdict"], &object["run"]),
            (&(*told.verdict).into(), &(*told.run).into())
        );
        assert_eq!(object["changed_since"].as_f64(), told.changed_since);
        let summary = comparison_table::summary(&snapshot);
        assert!(
            summary.contains(&format!(": {}", comparison_table::verdict(verdict))),
            "{summary}"
        );
    }

    /// What is told in each of some minutes, without repeats.
    async fn course(&self, minutes: u64) -> Vec<String> {
        let mut course = vec![self.told().await.verdict];
        for _ in 0..minutes {
            seconds(MINUTE).await;
            course.push(self.told().await.verdict);
        }
        course.dedup();
        course
    }
}

/// How a comparison stands.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    verdict: String,
    run: String,
    changed_since: Option<f64>,
}

/// The alarm comes within minutes, and from then on nothing is green.
#[tokio::test(start_paused = true)]
async fn equal_then_slower() {
    let mut rig = Rig::new(slower(120, None));
    assert_eq!(rig.course(119).await, ["undecided", "not_worse"]);
    let run = rig.told().await.run;
    assert_eq!(rig.course(20).await, ["not_worse", "changed"]);
    // In the middle of it the program is restarted: everything is as it was.
    let before = rig.told().await;
    rig.restart().await;
    assert_eq!(rig.told().await, before);
    let later = rig.course(30).await;
    assert!(!later.contains(&"not_worse".to_owned()), "{later:?}");
    assert_eq!(rig.told().await.run, run);
}

#[tokio::test(start_paused = true)]
async fn equal_slower_and_equal_again() {
    let rig = Rig::without_state(slower(120, Some(30)));
    assert_eq!(rig.course(119).await, ["undecided", "not_worse"]);
    let course = rig.course(180).await;
    assert_eq!(course, ["not_worse", "changed", "undecided", "not_worse"]);
}

#[tokio::test(start_paused = true)]
async fn slower_from_the_start() {
    let rig = Rig::without_state(slower(0, None));
    let course = rig.course(60).await;
    assert!(!course.contains(&"not_worse".to_owned()), "{course:?}");
    assert_eq!(course.last().unwrap(), "regressed");
}

/// Yesterday's verdict is none of the candidate that is there today.
#[tokio::test(start_paused = true)]
async fn another_run_has_no_verdict_yet() {
    let mut rig = Rig::new(lively(2));
    seconds(110 * MINUTE).await;
    let first = rig.told().await;
    assert_eq!(first.verdict, "not_worse");

    // Asked for.
    let (status, answer) = rig.ask(Method::POST, "/-/comparisons/canary/start?run=v2").await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["run"]), (StatusCode::OK, &"v2".into()));
    let second = rig.told().await;
    assert_eq!((&*second.verdict, &*second.run), ("undecided", "v2"));
    seconds(110 * MINUTE).await;
    rig.restart().await;
    assert_eq!(rig.told().await, Told { verdict: "not_worse".to_owned(), ..second });

    // Another rhythm is the same comparison.
    rig.reload(WIDE, "20s").await;
    assert_eq!(rig.told().await.verdict, "not_worse");
    // Another measure is not.
    rig.reload(", tolerance: 21%, failure_margin: 5%", "20s").await;
    let third = rig.told().await;
    assert_eq!(third.verdict, "undecided");
    assert!(third.run != "v2" && third.run != first.run, "{third:?}");
    let page = rig.get("/comparisons/canary").await;
    assert!(page.contains("(changed: tolerance)"), "{page}");
    seconds(10 * MINUTE).await;
    rig.told().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_begin_says_why() {
    let rig = Rig::without_state(lively(2));
    seconds(10 * MINUTE).await;
    let run = rig.told().await.run;
    let again = format!("/-/comparisons/canary/start?run={run}");
    let used = format!("the current run is `{run}` and has made rounds, expected another id");
    for (path, status, why) in [
        (again.as_str(), StatusCode::CONFLICT, used.as_str()),
        ("/-/comparisons/none/start", StatusCode::NOT_FOUND, "no comparison of that name"),
        (
            "/-/comparisons/canary/start?run=a%20b",
            StatusCode::BAD_REQUEST,
            "expected 1 to 64 letters",
        ),
        ("/-/comparisons/canary/start?id=a", StatusCode::BAD_REQUEST, "expected `run`"),
    ] {
        let (found, answer) = rig.ask(Method::POST, path).await;
        assert_eq!(found, status, "{path}: {answer}");
        assert!(answer.contains(why), "{path}: {answer}");
    }
    assert_eq!(rig.told().await.run, run);
}
