//! Levels from hand-made requests, and what is made of them.

mod conditions;
mod levels;
mod model;
mod requests;
mod scheduled;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::answer::failure::FailureReason;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A success of four tokens, at these milliseconds since the level began, sent at `from`.
fn request(counted: Option<usize>, from: u64, content: [u64; 4], good: bool) -> Request {
    let [first, second, _, last] = content;
    Request {
        counted,
        result: Ok(()),
        good,
        instants: Instants { due: ms(from), began: ms(from), over: ms(last) },
        ttft: Some(ms(first - from)),
        ttst: Some(ms(second - first)),
        itl: Some(ms(last - first) / 3),
        itl_source: Some(crate::answer::measure::ItlSource::Usage),
        request_latency: Some(ms(last - from)),
        input_tokens: Some(7),
        output_tokens: Some(4),
        content_at: content.map(ms).to_vec(),
        coalesced: 0,
        reading: Speed { reads: 4, late: 0 },
    }
}

fn failed(counted: Option<usize>, reason: FailureReason, over: u64) -> Request {
    Request {
        result: Err(reason),
        good: false,
        instants: Instants { due: ms(0), began: ms(0), over: ms(over) },
        ttft: None,
        ttst: None,
        itl: None,
        itl_source: None,
        request_latency: None,
        input_tokens: None,
        output_tokens: None,
        content_at: Vec::new(),
        reading: Speed::default(),
        ..request(counted, 0, [1, 2, 3, 4], false)
    }
}

fn users(users: u32) -> Tally {
    Tally::new(Load::Closed { users })
}

/// A level of so many users with this attainment, in percent.
fn level(concurrency: u32, percent: u32) -> Level {
    let mut tally = users(concurrency);
    tally.open(ms(0));
    for number in 0..100 {
        tally.sent();
        tally.over(&request(Some(number), 0, [100, 110, 120, 130], number < percent as usize));
    }
    tally.close(ms(130));
    Level::of(&[tally]).unwrap()
}

fn invalid(concurrency: u32, percent: u32) -> Level {
    let reasons = vec![InvalidReason::Cpu];
    Level { valid: false, invalid_reasons: reasons, ..level(concurrency, percent) }
}

fn subject() -> Subject {
    Subject {
        version: "0",
        target: "t".to_owned(),
        model: None,
        dialect: "openai-chat".to_owned(),
        workload: "w".to_owned(),
        seed: 1,
        started: "2026-01-01T00:00:00Z".to_owned(),
        slo: BTreeMap::new(),
    }
}
