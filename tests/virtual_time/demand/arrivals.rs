//! When requests come: each process is held against its own distribution.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_prober::transport::PipeDialer;
use tokio::time::Instant;

use super::start_at;
use crate::common::scripted::{Seen, Step, answer, play};
use crate::common::simulated::Dialers;
use crate::seconds;

/// Of so many gaps.
const GAPS: u32 = 1_000;

/// Kolmogorov and Smirnov's statistic is above this over the root of the number once in a thousand.
const ONCE_IN_A_THOUSAND: f64 = 1.95;

type Instants = Arc<Mutex<Vec<Duration>>>;

/// A server that answers at once and notes when it was dialled.
fn recorder() -> (PipeDialer, Instants) {
    let (began, instants) = (Instant::now(), Instants::default());
    let noted = Arc::clone(&instants);
    let dialer: PipeDialer = Arc::new(move || {
        let (client, server) = tokio::io::duplex(1 << 20);
        noted.lock().unwrap().push(began.elapsed());
        tokio::spawn(play(server, vec![Step::Request, answer()], Seen::default()));
        client
    });
    (dialer, instants)
}

/// The seconds between arrivals of a minute on average, for so long.
async fn gaps(arrival: &str, prompts: &str, lasts: u64) -> Vec<f64> {
    let yaml = format!(
        "seed: 11\n\
         workloads: {{w: {{prompts: {prompts}}}}}\n\
         targets: [{{name: t, url: 'http://t.test/v1', model: m, connection: fresh, interval: 60s,\n\
         \x20 max_in_flight: 1000, arrival: {arrival}}}]"
    );
    let (dialer, instants) = recorder();
    let daemon = start_at(1_767_571_200, &yaml, Dialers::from([("t", dialer)]));
    seconds(lasts).await;
    daemon.drain().await;
    // The first one comes on top of the schedule.
    let instants = instants.lock().unwrap()[1..].to_vec();
    instants.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).as_secs_f64()).collect()
}

/// Whether gaps in units of their mean are spread as this says, which is the share that is no longer.
fn check(arrival: &str, gaps: &[f64], share: impl Fn(f64) -> f64) {
    let mut sorted: Vec<f64> = gaps.iter().map(|gap| gap / 60.0).collect();
    assert!(sorted.len() > 900, "{arrival}: {}", sorted.len());
    sorted.sort_by(f64::total_cmp);
    let n = f64::from(u32::try_from(sorted.len()).unwrap());
    let off = (0_u32..).zip(&sorted).map(|(i, gap)| {
        let (expect, found) = (share(*gap), f64::from(i) / n);
        (expect - found).abs().max((expect - found - 1.0 / n).abs())
    });
    let statistic = off.fold(0.0, f64::max) * n.sqrt();
    assert!(statistic < ONCE_IN_A_THOUSAND, "{arrival}: {statistic}");
}

const INLINE: &str = "{inline: [hi]}";

async fn drawn(arrival: &str) -> Vec<f64> {
    gaps(arrival, INLINE, u64::from(GAPS) * 60).await
}

fn exponential(x: f64) -> f64 {
    1.0 - (-x).exp()
}

/// Of a gamma distribution of shape 4 and mean 1.
fn calm(x: f64) -> f64 {
    let x = 4.0 * x;
    1.0 - (-x).exp() * (1.0 + x + x * x / 2.0 + x * x * x / 6.0)
}

/// Of a gamma distribution of shape ½ and mean 1: the error function of √(x/2), by its series.
fn bursty(x: f64) -> f64 {
    let z = (x / 2.0).sqrt();
    if z > 4.0 {
        return 1.0;
    }
    let (mut term, mut sum) = (z, z);
    for n in 1_u32..200 {
        term *= -z * z / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[tokio::test(start_paused = true)]
async fn gaps_are_spread_as_their_process_says() {
    let found = drawn("poisson").await;
    check("poisson", &found, exponential);
    // The test can tell: it is no other process.
    let other = std::panic::catch_unwind(|| check("poisson", &found, calm));
    assert!(other.is_err());
    check("gamma of 4", &drawn("{gamma: {shape: 4}}").await, calm);
    check("gamma of 1/2", &drawn("{gamma: {shape: 0.5}}").await, bursty);
    let constant = drawn("constant").await;
    assert!(constant.iter().all(|gap| (gap - 60.0).abs() < 0.002), "{constant:?}");
}

/// Within the hours it is the same process: what falls outside of them is left out.
#[tokio::test(start_paused = true)]
async fn on_and_off_leave_the_process_as_it_is() {
    let hours = "poisson, active_hours: [{from: '08:00', to: '20:00'}]";
    let found = gaps(hours, INLINE, 44 * 3_600).await;
    let nights = found.iter().filter(|gap| **gap > 11.0 * 3_600.0).count();
    assert_eq!(nights, 1, "two days have a night between them");
    let within: Vec<f64> = found.into_iter().filter(|gap| *gap < 11.0 * 3_600.0).collect();
    check("on and off", &within, exponential);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_replayed_as_it_was_recorded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut trace = "Timestamp,Model,Request tokens,Response tokens\n".to_owned();
    for at in [100, 103, 103, 110] {
        writeln!(trace, "{at},GPT-4,20,5").unwrap();
    }
    std::fs::write(file.path(), trace).unwrap();
    let prompts = format!("{{burstgpt: '{}'}}", file.path().display());
    for (speed, factor) in [("", 1.0), ("speed: 2", 0.5)] {
        let arrival = format!("{{recorded: {{{speed}}}}}");
        let found = gaps(&arrival, &prompts, 60).await;
        // The mean gap lies between the last one and the first one again.
        let expect = [3.0, 0.0, 7.0, 10.0 / 3.0, 3.0, 0.0, 7.0].map(|gap| gap * factor);
        let near = |(found, expect): (&f64, &f64)| (found - expect).abs() < 0.003;
        assert!(found.iter().zip(&expect).all(near), "{speed}: {found:?}");
        assert!(found.len() > expect.len());
    }
}
