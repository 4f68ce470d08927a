//! Whether a target answers at all, asked before anything is measured.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::answer::outcome::Outcome;
use crate::explain::shown;
use crate::probe::Probing;
use crate::workload::mix::Draw;

/// A target may fail now and then: it is asked so often, if need be.
const TRIES: u32 = 3;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// A target does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{what} does not answer ({TRIES} tries): {why} ({url})")]
pub(super) struct NoAnswer {
    what: String,
    why: String,
    url: String,
}

/// Asks what is drawn, until an answer begins: whether it is a good one is not for this to judge.
///
/// # Errors
/// That `what` does not answer, where, and why not.
pub(super) async fn check(what: &str, probing: &Probing, draw: &Draw) -> Result<(), NoAnswer> {
    let mut tries = 1;
    loop {
        let cancel = CancellationToken::new();
        let outcome = probing.probe(draw.clone(), Duration::ZERO, cancel).await.outcome;
        let why = match &outcome.result {
            Err(failure) if !began(&outcome) => format!("{}: {}", failure.reason, failure.detail),
            _ => return Ok(()),
        };
        if tries == TRIES {
            let url = shown(&probing.target.url);
            return Err(NoAnswer { what: what.to_owned(), why, url });
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

fn began(outcome: &Outcome) -> bool {
    outcome.http_status.is_some_and(|status| (200..300).contains(&status))
}
