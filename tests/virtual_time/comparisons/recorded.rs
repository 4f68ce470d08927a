//! Captured requests, sent to both sides when users sent them.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_prober::daemon::Daemon;
use llm_prober::transport::PipeDialer;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::time::Instant;
use tracing::Level;

use super::{HOUR, daemon, dropped, pairs, sum};
use crate::common::log::Log;
use crate::common::scripted::{Seen, Step, always, answer, pause, pipe};
use crate::seconds;

/// In the middle of a day in 2026.
const BEGAN: f64 = 1_769_860_800.0;

/// When the targets' own first probes come, by the seed.
const FIRST: [u128; 2] = [692, 419];

/// What users asked at these milliseconds.
fn captured(millis: impl IntoIterator<Item = u32>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    for at in millis {
        let timestamp = BEGAN + f64::from(at) / 1000.0;
        let messages = json!([{"role": "user", "content": format!("hush {at}")}]);
        let body = json!({"model": "theirs", "temperature": 0.5, "messages": messages});
        writeln!(file, "{}", json!({"timestamp": timestamp, "body": body})).unwrap();
    }
    file
}

/// Only the comparison asks; `settings` are further keys of it, `workload` of the workload.
fn yaml(file: &NamedTempFile, workload: &str, settings: &str) -> String {
    format!(
        "seed: 3\n\
         defaults: {{interval: 7d, max_in_flight: 8, slos: []}}\n\
         workloads: {{w: {{prompts: {{requests: '{}'}}{workload}}}}}\n\
         targets:\n  - {{name: a, url: 'http://a.test/v1', model: m}}\n  \
           - {{name: b, url: 'http://b.test/v1', model: m}}\n\
         comparisons:\n  \
           - {{name: c, baseline: a, candidate: b, arrivals: recorded{settings}}}\n",
        file.path().display()
    )
}

/// A server that serves one request per connection and notes when each began.
struct Server {
    /// The millisecond of the target's own first probe, which is left out of everything.
    first: u128,
    at: Arc<Mutex<Vec<Duration>>>,
    seen: Seen,
    dialer: PipeDialer,
}

impl Server {
    fn new(first: u128, steps: impl Into<Vec<Step>>) -> Self {
        let (began, at) = (Instant::now(), Arc::<Mutex<Vec<Duration>>>::default());
        let (inner, seen) = pipe(always(steps));
        let noted = Arc::clone(&at);
        let dialer: PipeDialer = Arc::new(move || {
            noted.lock().unwrap().push(began.elapsed());
            inner()
        });
        Self { first, at, seen, dialer }
    }

    /// Milliseconds since the start.
    fn asked_at(&self) -> Vec<u128> {
        let at = self.at.lock().unwrap();
        at.iter().map(Duration::as_millis).filter(|at| *at != self.first).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let body = |request: String| {
            serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
        };
        let at = self.at.lock().unwrap();
        let first = at.iter().position(|at| at.as_millis() == self.first).unwrap();
        let mut requests = self.seen.requests();
        requests.remove(first);
        requests.into_iter().map(body).collect()
    }

    /// What users asked, as the millisecond that is their text.
    fn texts(&self) -> Vec<u128> {
        let text = |body: &Value| {
            let content = body["messages"][0]["content"].as_str().unwrap();
            content.strip_prefix("hush ").unwrap().parse().unwrap()
        };
        self.bodies().iter().map(text).collect()
    }
}

struct Rig {
    daemon: Arc<Daemon>,
    sides: [Server; 2],
}

impl Rig {
    fn new(yaml: &str, steps: &[Step]) -> Self {
        let sides = FIRST.map(|first| Server::new(first, steps));
        let [a, b] = sides.each_ref().map(|side| Arc::clone(&side.dialer));
        Self { daemon: daemon(yaml, a, b), sides }
    }
}

fn quick() -> [Step; 2] {
    [Step::Request, answer()]
}

/// A gateway logs requests as they end, so the file is not in order.
#[tokio::test(start_paused = true)]
async fn both_get_what_users_asked_when_they_asked_it() {
    // Milliseconds; from the last to the first it takes the mean gap.
    let once = [0, 2, 4, 250, 7000, 7500];
    let expect = once.into_iter().chain(once.map(|at| 9000 + at)).collect::<Vec<u128>>();
    for (speed, times) in [("", 1), (", speed: 2", 2)] {
        let log = Log::listen(Level::DEBUG);
        let file = captured([7500, 0, 4, 2, 7000, 250]);
        let rig = Rig::new(&yaml(&file, "", speed), &quick());
        tokio::time::sleep(Duration::from_secs(17) / times).await;
        for side in &rig.sides {
            let at = side.asked_at().into_iter().map(|at| at * u128::from(times));
            assert_eq!(at.collect::<Vec<_>>(), expect, "{speed}");
            assert_eq!(side.texts(), [once, once].concat());
        }
        let [a, b] = rig.sides.each_ref().map(Server::bodies);
        assert_eq!(a, b);
        assert!(a.iter().all(|body| body["temperature"] == 0.5 && body["model"] == "m"));
        assert_eq!(pairs(&rig.daemon), 12.0);
        assert!(log.count("comparing") == 1 && log.count("hush") == 0, "{}", log.text());
    }
}

/// Of a thousand requests, one per second: the gaps are those of the sample.
#[tokio::test(start_paused = true)]
async fn a_sample_keeps_its_own_times() {
    let file = captured((0..1000).map(|i| i * 1000));
    let rig = Rig::new(&yaml(&file, ", sample: 0.1", ""), &quick());
    seconds(1000).await;
    let [a, b] = &rig.sides;
    let (mut texts, mut at) = (a.texts(), a.asked_at());
    assert_eq!((&at, &texts), (&b.asked_at(), &b.texts()));
    let once = 1 + texts.windows(2).take_while(|pair| pair[0] < pair[1]).count();
    texts.truncate(once);
    at.truncate(once);
    // Four standard deviations around the mean.
    assert!((62..=138).contains(&texts.len()), "{}", texts.len());
    let since: Vec<_> = texts.iter().map(|text| text - texts[0]).collect();
    assert_eq!(at, since);
}

/// Five at once are more than two places: users do not wait for each other, and nor does a replay.
#[tokio::test(start_paused = true)]
async fn a_burst_that_does_not_fit_is_dropped_and_counted() {
    let file = captured([0, 0, 0, 0, 0, 60_000]);
    let yaml = yaml(&file, "", "").replace("max_in_flight: 8", "max_in_flight: 2");
    let rig = Rig::new(&yaml, &[Step::Request, pause(500), answer()]);
    seconds(59).await;
    assert_eq!((pairs(&rig.daemon), dropped(&rig.daemon, "in_flight_limit")), (2.0, 3.0));
    seconds(15).await;
    assert_eq!((pairs(&rig.daemon), dropped(&rig.daemon, "in_flight_limit")), (5.0, 6.0));
    for side in &rig.sides {
        assert_eq!(side.asked_at(), [0, 0, 60_000, 72_000, 72_000]);
    }
}

/// What a stopped prober missed is not made up for: the rest comes when it should.
#[tokio::test(start_paused = true)]
async fn missed_requests_are_late() {
    let file = captured([0, 10_000, 20_000]);
    let rig = Rig::new(&yaml(&file, "", ""), &quick());
    seconds(5).await;
    tokio::time::advance(Duration::from_secs(HOUR)).await;
    seconds(30).await;
    assert_eq!(dropped(&rig.daemon, "late"), 360.0);
    assert_eq!(pairs(&rig.daemon), 4.0);
    // What is late by less than a gap is asked nevertheless, but nothing is bet on it.
    for side in &rig.sides {
        assert_eq!(side.asked_at(), [0, 3_605_000, 3_610_000, 3_620_000, 3_630_000]);
    }
    let interval = sum(&rig.daemon, "comparison_interval_seconds", &[]);
    assert_eq!(interval, 10.0);
}
