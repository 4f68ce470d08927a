//! Which address was asked, and which one was probably meant.

use url::{Position, Url};

/// Parameters of a query whose values are no secrets.
const HARMLESS: [&str; 5] = ["alt", "api-version", "api_version", "limit", "version"];
const MASK: &str = "<secret>";
/// Ends of base URLs that belong to a request instead, as may the first part of its own path.
const OF_REQUESTS: [&str; 6] =
    ["audio", "chat", "completions", "embeddings", "models", "responses"];

/// A URL fit for showing to everybody: without user and password, and with the values of its query
/// masked where they are not known to be harmless.
#[must_use]
pub fn shown(url: &Url) -> String {
    let place = &url[Position::BeforeHost..Position::AfterPath];
    let query = url.query().map_or_else(String::new, |query| {
        format!("?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&"))
    });
    format!("{}://{place}{query}", url.scheme())
}

fn parameter(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if HARMLESS.contains(&name) => text.to_owned(),
        Some((name, _)) => format!("{name}={MASK}"),
        None => MASK.to_owned(),
    }
}

/// The same place with another scheme, its port written out.
pub(super) fn with_scheme(url: &Url, scheme: &str) -> Url {
    let (mut other, port) = (url.clone(), url.port_or_known_default());
    // Both work for http and https, the only schemes that a target may have.
    let _ = other.set_scheme(scheme);
    let _ = other.set_port(port);
    other
}

/// What is probably wrong with a base URL below which the server knows nothing at `place`, and what
/// was meant.
pub(super) fn fault(base: &Url, place: &str) -> Option<String> {
    let path = base.path().trim_end_matches('/');
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let below: Vec<_> = place.split(['/', '?']).collect();
    let meant = |segments: &[&str]| {
        let mut url = base.clone();
        url.set_path(&segments.join("/"));
        shown(&url)
    };
    // The second one may be that of the place.
    let whole = [&segments[..], &below[..1]].concat();
    let twice = whole.windows(2).position(|two| is_version(two[0]) && two[0] == two[1]);
    if let Some(at) = twice {
        let (once, version) = ([&segments[..at], &segments[at + 1..]].concat(), segments[at]);
        return Some(format!("/{version} is in its path twice, expected url: {}", meant(&once)));
    }
    if let Some((last, rest)) = segments.split_last()
        && (OF_REQUESTS.contains(last) || below[1..].contains(last))
    {
        let expected = meant(rest);
        return Some(format!("/{last} does not belong to the base URL, expected url: {expected}"));
    }
    // The paths of deployments have no version.
    if whole.iter().any(|s| is_version(s) || *s == "deployments") {
        return None;
    }
    // Only these go below a version that the base URL has: other APIs are below the server's root.
    if !OF_REQUESTS.contains(&below[0]) {
        return None;
    }
    let longer = meant(&[&segments[..], &["v1"]].concat());
    Some(format!("there is no /v1 in its path, which most servers want: try url: {longer}"))
}

/// `v1`, `v1beta`, `v4`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_url_is_shown() {
        let check = |url: &str, expect: &str| assert_eq!(shown(&url.parse().unwrap()), expect);
        check("http://h:8000/v1", "http://h:8000/v1");
        check("https://me:hush@h/v1", "https://h/v1");
        check("http://[::1]:80/v1#hush", "http://[::1]/v1");
        check(
            "https://h/d?api-version=2024-10-21&key=hush&hush&sig=a=b",
            "https://h/d?api-version=2024-10-21&key=<secret>&<secret>&sig=<secret>",
        );
    }

    #[test]
    fn the_port_stays_where_the_scheme_changes() {
        let check = |url: &str, scheme: &str, expect: &str| {
            assert_eq!(shown(&with_scheme(&url.parse().unwrap(), scheme)), expect);
        };
        check("https://h:8000/v1", "http", "http://h:8000/v1");
        check("https://h/v1", "http", "http://h:443/v1");
        check("http://h/v1", "https", "https://h:80/v1");
    }

    #[test]
    fn a_wrong_base_is_told_with_the_right_one() {
        let check_for = |place: &str, url: &str, expect: Option<&str>| {
            assert_eq!(fault(&url.parse().unwrap(), place).as_deref(), expect, "{url}");
        };
        // A place with a version of its own goes below the server's root.
        check_for("v1/messages", "http://h", None);
        check_for("api/embed", "http://h", None);
        check_for("v1/messages", "http://h/proxy", None);
        let twice = "/v1 is in its path twice, expected url: http://h/proxy";
        check_for("v1/messages?beta=true", "http://h/proxy/v1", Some(twice));
        check_for("v2/messages", "http://h/v1", None);
        let whole = "/messages does not belong to the base URL, expected url: http://h/v1";
        check_for("v1/messages", "http://h/v1/messages", Some(whole));
        let check = |url: &str, expect| check_for("chat/completions", url, expect);
        check("http://h/v1", None);
        check("http://h/api/v1/", None);
        check("https://g/v1beta/openai", None);
        check("https://g/v1/account/gateway/openai", None);
        check("https://a/openai/deployments/d", None);
        let twice = "/v1 is in its path twice, expected url: http://h:8000/v1";
        check("http://h:8000/v1/v1", Some(twice));
        check("http://h:8000/v1/v1/", Some(twice));
        check(
            "http://h/v1/chat",
            Some("/chat does not belong to the base URL, expected url: http://h/v1"),
        );
        check(
            "http://h:8000",
            Some("there is no /v1 in its path, which most servers want: try url: http://h:8000/v1"),
        );
        check(
            "http://h/openai/",
            Some(
                "there is no /v1 in its path, which most servers want: try url: http://h/openai/v1",
            ),
        );
    }
}
