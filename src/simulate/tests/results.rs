//! The dialects whose answers are no text, against their other half.

use super::dialects::{Asked, ask_for, failure, target};
use super::*;
use crate::answer::failure::FailureReason;
use crate::answer::timeline::Results;
use crate::dialect::{self, Kind, SharedDialect};
use crate::interpret::interpret;
use crate::workload::{Prompt, Workload};

/// Those that give vectors or orders.
fn giving() -> impl Iterator<Item = SharedDialect> {
    dialect::all().filter(|dialect| !dialect.kind().writes())
}

async fn ask(dialect: &SharedDialect, config: SimulatorConfig) -> Asked {
    ask_for("simulated", &target(dialect, false), config, 100).await
}

/// What there is of the built-in documents, or of one text.
fn expected(dialect: &SharedDialect) -> Results {
    match dialect.kind() {
        Kind::Rerank => Results { count: 2, dimension: None },
        _ => Results { count: 1, dimension: Some(8) },
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_what_is_read() {
    for dialect in giving() {
        let asked = ask(&dialect, exact()).await;
        let m = &asked.outcome.measurement;
        assert!(asked.outcome.succeeded(), "{dialect:?}: {:?}", asked.outcome.result);
        assert_eq!(m.results, Some(expected(&dialect)), "{dialect:?}");
        // A result is ready when a token would be.
        let latency = if dialect.kind() == Kind::Rerank { 210 * MS } else { 200 * MS };
        assert_eq!(m.request_latency, Some(latency), "{dialect:?}");
        assert_eq!((m.ttft, m.ttfo, m.itl, m.longest_gap), (None, None, None, None));
        assert_eq!((m.output_tokens, m.finish, asked.text.as_str()), (None, None, ""));
        // The servers of one API do not count.
        let counts = !dialect.name().starts_with("tei-");
        assert_eq!(m.input_tokens.is_some(), counts, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_is_read_as_that() {
    use FailureReason::{Empty, ErrorEvent, HttpStatus, Malformed, Throttled, Truncated};
    let throttle = Fault::Throttle { retry_after: 1000 * MS };
    let cases = [
        (Fault::ErrorEvent { after_tokens: 1 }, ErrorEvent, "scripted failure of the engine"),
        (Fault::CutJson { after_tokens: 1 }, Truncated, ""),
        (Fault::CutBody { after_tokens: 1 }, Truncated, ""),
        (Fault::Truncate { after_tokens: 1 }, Truncated, ""),
        (Fault::Empty, Empty, "the answer holds no "),
        (Fault::Html, Malformed, ""),
        (Fault::HttpStatus(StatusCode::SERVICE_UNAVAILABLE), HttpStatus, "scripted failure"),
        (throttle, Throttled, "scripted throttling"),
    ];
    for dialect in giving() {
        for (fault, reason, said) in cases {
            let asked = ask(&dialect, with_fault(fault)).await;
            let (found, detail) = failure(&asked);
            assert_eq!(found, reason, "{dialect:?} {fault:?}: {detail}");
            assert!(detail.contains(said), "{dialect:?} {fault:?}: {detail}");
            assert_eq!(asked.outcome.measurement.request_latency, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fewer_results_than_documents_are_a_failure() {
    let prompt = Prompt::user("one two three");
    for dialect in giving() {
        let asked = ask(&dialect, exact()).await;
        let target = target(&dialect, false);
        let judge = |documents: usize, most: Option<u64>| {
            let mut workload = Workload::clone(&target.workloads[0]);
            workload.documents = vec!["a".to_owned(); documents].into();
            let most = most.map(|most| ("top_n".to_owned(), json!(most)));
            workload.extra_body.extend(most);
            interpret(&target, &workload, &prompt, &asked.recording)
        };
        assert!(judge(2, None).succeeded(), "{dialect:?}");
        assert!(judge(3, Some(2)).succeeded(), "{dialect:?}");
        let fewer = judge(3, None);
        if dialect.kind() == Kind::Embed {
            assert!(fewer.succeeded(), "it has no documents");
            continue;
        }
        assert_eq!(fewer.rejected_by, ["results"], "{dialect:?}");
        assert_eq!(fewer.measurement.request_latency, None, "{dialect:?}");
        let failure = fewer.result.expect_err("a failure");
        assert_eq!(failure.reason, FailureReason::Validation);
        assert_eq!(failure.detail, "2 of 3 results");
    }
}
