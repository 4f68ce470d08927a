use std::sync::Arc;

use super::*;
use crate::answer::measure::Measurement;
use crate::answer::outcome::Outcome;
use crate::answer::recording::{Arrival, Chunk, Offset, Recording};
use crate::answer::slo::Slo;
use crate::testing;

const INSTANTS: Instants = Instants { due: ms(1000), began: ms(1200), over: ms(3200) };

/// 400 ms to the first token, the last one after a second.
fn outcome() -> Outcome {
    testing::outcome(Measurement {
        ttft: Some(ms(400)),
        itl: Some(ms(20)),
        request_latency: Some(ms(1000)),
        content_at: vec![Offset(450_000_000), Offset(1_050_000_000)],
        ..Measurement::default()
    })
}

/// Sent 50 ms after its beginning, as on a connection that takes so long.
fn recording() -> Recording {
    Recording { send: Some(Offset(50_000_000)), ..testing::recording() }
}

fn asked(from_arrival: bool, goodput: &str) -> Request {
    let slo: Arc<Slo> = Arc::new(parse_goodput(goodput).unwrap());
    Request::new(Some(0), INSTANTS, from_arrival, &[&slo], (&outcome(), &recording()))
}

#[test]
fn an_open_loop_counts_from_the_arrival() {
    let closed = asked(false, "ttft:400ms");
    assert_eq!((closed.ttft, closed.request_latency), (Some(ms(400)), Some(ms(1000))));
    assert!(closed.good);
    // 200 ms late, and 50 ms until the request was sent.
    let open = asked(true, "ttft:400ms");
    assert_eq!((open.ttft, open.request_latency), (Some(ms(650)), Some(ms(1250))));
    assert_eq!((open.itl, open.good), (Some(ms(20)), false));
    assert!(asked(true, "ttft:650ms,request_latency:1250ms").good);
}

#[test]
fn content_is_placed_on_the_clock_of_the_level() {
    let request = asked(false, "ttft:1s");
    assert_eq!(request.content_at, [ms(1650), ms(2250)]);
    assert_eq!(request.share_within(ms(0), ms(9999)).to_bits(), 1.0_f64.to_bits());
    assert_eq!(request.share_within(ms(1650), ms(9999)).to_bits(), 0.5_f64.to_bits());
    assert_eq!(request.share_within(ms(1649), ms(1650)).to_bits(), 0.5_f64.to_bits());
    let nothing = Request { content_at: Vec::new(), ..request };
    assert_eq!(nothing.share_within(ms(3199), ms(3200)).to_bits(), 1.0_f64.to_bits());
}

/// A request is good where every SLO that covers it is met, and a failed one never.
#[test]
fn what_is_good() {
    assert!(!asked(false, "ttft:399ms,itl:1s").good);
    let check = |outcome: &Outcome, slos: &[&Arc<Slo>]| {
        Request::new(None, INSTANTS, false, slos, (outcome, &recording())).good
    };
    assert!(check(&outcome(), &[]));
    assert!(!check(&testing::failed(FailureReason::Empty), &[]));
}

/// How long bytes waited in the kernel: by its stamps, where there are some.
#[test]
fn late_reads() {
    let chunk = |task: i64, kernel: Option<i64>| Chunk {
        bytes: bytes::Bytes::from_static(b"x"),
        arrival: Arrival { read: 0, task: Offset(task), kernel },
    };
    let recording = testing::recording();
    let started = recording.clock.unix_at_start;
    let chunks = vec![
        chunk(6_000_000, Some(started + 999_999)),
        chunk(6_000_000, Some(started + 1_000_000)),
        chunk(6_000_000, None),
    ];
    let recording = Recording { chunks, ..recording };
    let request = Request::new(None, INSTANTS, false, &[], (&outcome(), &recording));
    assert_eq!(request.reading, Speed { reads: 2, late: 1 });
}
