//! What a refusal by status says about the configuration.

use std::borrow::Cow;

use url::Url;

use super::address::{fault, shown};
use super::facts::Facts;
use super::tls;
use crate::answer::recording::Recording;
use crate::dialect::KeyStyle;
use crate::target::request::signed_for;
use crate::target::{Auth, Target};

/// Of a refusal's body, so many bytes are looked at.
const LOOKED_AT: usize = 4096;

/// How servers of wide use answer plain HTTP on a TLS port, in lower case: nginx and the load
/// balancers built on it, Go's library, Apache.
const WANTS_TLS: [&str; 3] = [
    "plain http request was sent to https port",
    "client sent an http request to an https server",
    "speaking plain http to an ssl-enabled server port",
];

/// Whether the server's list of models could tell more about this refusal.
pub(super) fn may_be_about_the_model(recording: &Recording) -> bool {
    match recording.head.as_ref().map(|head| head.status) {
        Some(404) => true,
        Some(400 | 403 | 422) => body(recording).contains("model"),
        _ => false,
    }
}

/// What to do about it, if the status tells.
pub(super) fn hint(facts: &Facts<'_>) -> Option<String> {
    let Facts { target, asked, recording, findings, .. } = facts;
    let head = recording.head.as_ref()?;
    match head.status {
        400 if wants_tls(target, recording) => Some(tls::not_plain(&target.url)),
        300..400 => Some(redirect(asked, &path(target), head.header("location"))),
        401 | 403 if signed_for(target).is_some() => Some(
            "it was signed with the AWS credentials of the environment or of AWS's own files: they \
             may have ended, or may not use this model"
                .to_owned(),
        ),
        401 | 403 if target.auth.is_none() => {
            Some("no credentials were sent, name some with auth".to_owned())
        }
        401 => target.auth.as_ref().map(|auth| refused_credentials(auth, target.dialect.key())),
        400 | 403 | 404 | 405 | 422 => match (&findings.models, &target.model) {
            (Some(Ok(listed)), Some(model)) if may_be_about_the_model(recording) => {
                listed.lacks(model).or_else(|| no_such_path(head.status, target, true))
            }
            (Some(Ok(_)), _) => no_such_path(head.status, target, true),
            _ => no_such_path(head.status, target, false),
        },
        _ => None,
    }
}

/// `listed`: the server has a list of models below the same base.
fn no_such_path(status: u16, target: &Target, listed: bool) -> Option<String> {
    if ![404, 405].contains(&status) {
        return None;
    }
    if listed {
        return Some(format!(
            "the server lists models below this URL, but has no {} there: look at api",
            path(target)
        ));
    }
    fault(&target.url, &path(target))
}

/// Where its requests are sent, below its base.
fn path(target: &Target) -> String {
    let place = target.dialect.path(target.model.as_deref().unwrap_or_default(), target.shape());
    place.split('?').next().unwrap_or_default().to_owned()
}

fn wants_tls(target: &Target, recording: &Recording) -> bool {
    let body = body(recording);
    target.url.scheme() == "http" && WANTS_TLS.iter().any(|words| body.contains(words))
}

/// The beginning of the body, in lower case.
fn body(recording: &Recording) -> String {
    let bytes = recording.chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied());
    let bytes: Vec<u8> = bytes.take(LOOKED_AT).collect();
    String::from_utf8_lossy(&bytes).to_ascii_lowercase()
}

/// The right base URL, where what is redirected to is the address of the same request elsewhere.
fn redirect(asked: &Url, path: &str, location: Option<&str>) -> String {
    let to = location.and_then(|text| asked.join(text).ok());
    let base = to.as_ref().and_then(|to| base_of(to, path));
    match base {
        Some(base) => {
            format!("it redirects, which is not followed: expected url: {}", shown(&base))
        }
        None => "it redirects to another place, which is not followed: look at url".to_owned(),
    }
}

/// The base URL of a request's address; `None` where it is no address of a request.
fn base_of(url: &Url, path: &str) -> Option<Url> {
    let base = url.path().trim_end_matches('/').strip_suffix(path)?.strip_suffix('/')?;
    let mut url = url.clone();
    url.set_path(base);
    url.set_query(None);
    Some(url)
}

fn refused_credentials(auth: &Auth, style: KeyStyle) -> String {
    let (kind, secret): (Cow<'_, str>, _) = match (auth, style) {
        (Auth::Bearer(secret), KeyStyle::Bearer) => ("bearer token".into(), secret),
        (Auth::Bearer(secret), KeyStyle::Header(name)) => {
            (format!("value of {name}").into(), secret)
        }
        (Auth::Header { name, value }, _) => (format!("value of {name}").into(), value),
    };
    format!("it was sent the {kind} from {secret}")
}
