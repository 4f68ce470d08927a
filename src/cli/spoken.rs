//! Which APIs a URL speaks: each is asked one short question.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::batch;
use super::error::CliError;
use super::given::{self, Given};
use super::say::tell;
use super::setup::runtime;
use crate::answer::failure::{Failure, FailureReason};
use crate::config::Config;
use crate::dialect;
use crate::explain::shown;
use crate::target::{Limits, Target};
use crate::workload::mix::Draw;
use crate::workload::{Mix, Workload};

/// What a vendor's SDK may end a base URL with, and another's not.
const VERSION: &str = "v1";
/// Tokens of an answer: enough to see one.
const ANSWER: u32 = 16;
const TIMEOUT: Duration = Duration::from_secs(20);
/// A path that is not there, and a body that is not understood, are answered at once.
const FIRST_TOKEN_TIMEOUT: Duration = Duration::from_secs(15);

/// An API that answered, and where.
#[derive(Debug)]
struct Spoken {
    api: &'static str,
    url: String,
    time_to_first_token: Option<Duration>,
}

/// The target at this URL by the first API that it speaks, in the order of the documentation; says
/// which others answer, too.
///
/// # Errors
/// None does, or the server cannot be reached at all.
pub(super) fn target(given: Given<'_>) -> Result<(Config, Arc<Target>), CliError> {
    let runtime = runtime()?;
    let bases = bases(given.url);
    let (mut spoken, mut refusals) = (Vec::new(), Vec::new());
    for dialect in dialect::all() {
        let api = dialect.name();
        if given.model.is_none() && !dialect.lists_models() {
            refusals.push(format!("{api} was not asked: its servers list no models, --model NAME"));
            continue;
        }
        for url in &bases {
            let (_, target) = given::target(Given { url, api: Some(api), ..given })?;
            let place = shown(&target.url);
            match runtime.block_on(ask(target)) {
                Ok(time_to_first_token) => {
                    spoken.push(Spoken { api, url: url.clone(), time_to_first_token });
                    break;
                }
                Err(why)
                    if spoken.is_empty() && refusals.is_empty() && is_out_of_reach(why.reason) =>
                {
                    return Err(CliError::Failed(format!(
                        "{place}: {}: {}",
                        why.reason, why.detail
                    )));
                }
                Err(why) => {
                    refusals.push(format!("{api} at {place}: {}: {}", why.reason, why.detail));
                }
            }
        }
    }
    for Spoken { api, url, time_to_first_token } in &spoken {
        let first = time_to_first_token.map(|ttft| format!(", first token after {ttft:.1?}"));
        let place = Url::parse(url).map_or_else(|_| String::new(), |url| shown(&url));
        let place = place.trim_end_matches('/');
        tell(format_args!("{api} answers at {place}{}", first.unwrap_or_default()));
    }
    let Some(Spoken { api, url, .. }) = spoken.first() else {
        let tried = refusals.join("\n  ");
        let why = format!("no known API answers; each was tried:\n  {tried}");
        return Err(CliError::Failed(why));
    };
    if !refusals.is_empty() {
        tell(format_args!("{} other tries were refused", refusals.len()));
    }
    tell(format_args!("asking {api}; another one: --api NAME\n"));
    given::target(Given { url, api: Some(api), ..given })
}

/// The URL, and the same with or without a version at its end.
fn bases(url: &str) -> Vec<String> {
    let mut bases = vec![url.to_owned()];
    if let Ok(mut other) = Url::parse(url) {
        let path = other.path().trim_end_matches('/').to_owned();
        match path.strip_suffix(&format!("/{VERSION}")) {
            Some(root) => other.set_path(root),
            None => other.set_path(&format!("{path}/{VERSION}")),
        }
        bases.push(other.to_string().trim_end_matches('/').to_owned());
    }
    bases
}

/// Whatever is asked there, nobody answers.
fn is_out_of_reach(reason: FailureReason) -> bool {
    matches!(reason, FailureReason::Resolve | FailureReason::Connect | FailureReason::Tls)
}

async fn ask(target: Arc<Target>) -> Result<Option<Duration>, Failure> {
    let first_token_timeout = Some(FIRST_TOKEN_TIMEOUT);
    let limits = Limits { timeout: TIMEOUT, first_token_timeout, ..target.limits };
    let target = Arc::new(Target { limits, ..Target::clone(&target) });
    let (probing, _io) = batch::probing(Arc::clone(&target), 1)
        .map_err(|why| Failure::new(FailureReason::Internal, why.to_string()))?;
    let mut mix = Mix::new(&target.workloads, rand::random());
    let Some(Draw { workload, prompt }) = mix.draw() else { return Ok(None) };
    let workload = Arc::new(Workload { max_output_tokens: ANSWER, ..Workload::clone(&workload) });
    let draw = Draw { workload, prompt };
    let outcome = probing.probe(draw, Duration::ZERO, CancellationToken::new()).await.outcome;
    // All of so few tokens may have been spent on thinking that is not shown.
    let thought = outcome.reason() == Some(FailureReason::Empty)
        && outcome.measurement.output_tokens.is_some_and(|count| count.tokens > 0);
    if thought {
        return Ok(None);
    }
    outcome.result.map(|()| outcome.measurement.ttft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_with_and_without_its_version() {
        let check = |url: &str, other: &str| assert_eq!(bases(url), [url, other]);
        check("http://h:8000", "http://h:8000/v1");
        check("http://h:8000/v1", "http://h:8000");
        check("https://h/openai/v1?api-version=x", "https://h/openai?api-version=x");
        check("https://h/deep", "https://h/deep/v1");
    }
}
