//! The same seed: the same requests at the same instants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_prober::transport::PipeDialer;
use serde_json::Value;
use tokio::time::Instant;

use super::seconds;
use crate::common::config;
use crate::common::scripted::{Seen, Step, answer, play};
use crate::common::simulated::{Dialers, start};

/// When each connection was made, and the prompt that was sent over it.
type Sent = Vec<(Duration, String)>;

/// Ten minutes of two targets with a connection per probe.
async fn run(seed: u64) -> [Sent; 2] {
    let yaml = format!(
        "seed: {seed}\n\
         workloads:\n\
         \x20 x: {{weight: 1, prompts: {{inline: [one, two]}}}}\n\
         \x20 y: {{weight: 2, prompts: {{inline: [three]}}}}\n\
         defaults: {{interval: 5s, connection: fresh}}\n\
         targets:\n\
         \x20 - {{name: a, url: 'http://a.test/v1', model: m}}\n\
         \x20 - {{name: b, url: 'http://b.test/v1', model: m}}"
    );
    let ((a, seen_a), (b, seen_b)) = (recorder(), recorder());
    let daemon = start(config(&yaml), Dialers::from([("a", a), ("b", b)]));
    seconds(600).await;
    daemon.drain().await;
    [seen_a, seen_b].map(|(instants, seen)| {
        let instants = instants.lock().unwrap().clone();
        instants.into_iter().zip(seen.requests().iter().map(|r| prompt(r))).collect()
    })
}

type Instants = Arc<Mutex<Vec<Duration>>>;

/// A server that answers at once and notes when it was dialled.
fn recorder() -> (PipeDialer, (Instants, Seen)) {
    let (began, instants, seen) = (Instant::now(), Instants::default(), Seen::default());
    let log = (Arc::clone(&instants), seen.clone());
    let dialer: PipeDialer = Arc::new(move || {
        let (client, server) = tokio::io::duplex(1 << 20);
        instants.lock().unwrap().push(began.elapsed());
        tokio::spawn(play(server, vec![Step::Request, answer()], seen.clone()));
        client
    });
    (dialer, log)
}

fn prompt(request: &str) -> String {
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["messages"][0]["content"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn everything_follows_from_the_seed() {
    let (first, again, other) = (run(1).await, run(1).await, run(2).await);
    assert!(first.iter().all(|sent| sent.len() > 60));
    assert_eq!(first, again);
    assert_ne!(first, other);
    let [a, b] = &first;
    assert_ne!(a, b, "each target has a sequence of its own");
    for word in ["one", "two", "three"] {
        assert!(a.iter().any(|(_, prompt)| prompt.ends_with(word)), "{word}");
    }
}
