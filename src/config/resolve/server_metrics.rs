//! The key `server_metrics`: where the server's own metrics are.

use serde_yaml::{Location, Spanned};
use url::Url;

use super::context::{Context, limit, optional};
use super::endpoint::UrlError;
use super::{access, endpoint, timing};
use crate::config::error::Report;
use crate::config::labels::check_value;
use crate::config::raw::{self, DEFAULT_PAGE_TIMEOUT, PAGE_TIMEOUTS};
use crate::target::ServerMetrics;

const MAX_LABELS: usize = 16;

pub(super) fn resolve(
    Spanned { value: raw, referenced, .. }: &Spanned<raw::ServerMetrics>,
    target: Option<&Url>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<ServerMetrics> {
    let at = raw.url.as_ref().map_or(*referenced, |url| url.referenced);
    // Without a good URL of the target there is nothing to be relative to: reported already.
    let url = target.and_then(|target| report.check(at, url(raw.text(), target)));
    let model = optional(raw.model.as_ref(), |model| {
        report.check(model.referenced, check_value(&model.value, true))?;
        Some(model.value.clone())
    });
    let labels = labels(raw, report);
    let timeout = raw.timeout.as_ref();
    let timeout =
        timing::duration("timeout", timeout, DEFAULT_PAGE_TIMEOUT, &PAGE_TIMEOUTS, report);
    let auth = optional(raw.auth.as_ref(), |auth| access::auth(auth, context, report));
    let (model, auth) = (model.ok()?, auth.ok()?);
    Some(ServerMetrics { url: url?, model, labels: labels?, timeout: timeout?, auth })
}

/// A URL, or a path on the target's host. The messages do not quote it.
fn url(text: &str, target: &Url) -> Result<Url, UrlError> {
    const EXPECTED: &str = "expected a URL such as http://host:8000/metrics, or a path such as \
                            /metrics on the target's host";
    if text.starts_with('/') {
        let joined = target.join(text).map_err(|why| UrlError::NotAPath(why, EXPECTED))?;
        // `//host/path` is a URL without a scheme.
        if joined.origin() != target.origin() {
            return Err(UrlError::OfAnotherHost(EXPECTED));
        }
        return endpoint::checked(joined, EXPECTED);
    }
    let url = Url::parse(text).map_err(|why| UrlError::NotAUrl(why, EXPECTED))?;
    endpoint::checked(url, EXPECTED)
}

fn labels(
    raw: &raw::ServerMetrics,
    report: &mut Report<'_>,
) -> Option<std::collections::BTreeMap<String, String>> {
    let Some(labels) = &raw.labels else { return Some(std::collections::BTreeMap::new()) };
    let at = labels.first().map_or(Location::UNKNOWN, |(name, _)| name.referenced);
    limit(labels.len(), MAX_LABELS, "labels", at, report)?;
    labels.iter().map(|(name, value)| Some((name.value.clone(), value.value.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_on_the_targets_host() {
        let target: Url = "https://llm.test:8000/v1".parse().unwrap();
        let check = |text: &str, expect: &str| {
            let found = url(text, &target);
            assert_eq!(found.as_ref().map(Url::as_str).ok(), Some(expect), "{text}");
        };
        check("/metrics", "https://llm.test:8000/metrics");
        check("/a/metrics", "https://llm.test:8000/a/metrics");
        check("http://10.0.0.1:8002/metrics", "http://10.0.0.1:8002/metrics");
        let refused = |text: &str, part: &str| {
            let why = url(text, &target).unwrap_err().to_string();
            assert!(why.contains(part) && !why.contains("hush"), "{text}: {why}");
        };
        refused("//hush/metrics", "not a path");
        refused("metrics/hush", "not a URL");
        refused("/metrics?key=hush", "query");
        refused("http://hush@host/metrics", "credentials");
        refused("ftp://hush/metrics", "neither http nor https");
    }
}
