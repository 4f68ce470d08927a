//! What a target is sent beside the body: credentials and headers.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use serde_yaml::{Location, Spanned};

use super::context::{Context, limit};
use crate::config::error::Report;
use crate::config::raw;
use crate::target::Auth;
use crate::target::secret::Secret;

const MAX_HEADERS: usize = 64;

/// Headers that the transport writes itself, or that would falsify a measurement.
const OWN: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// Headers whose values are secrets by their nature.
const SECRET: &[&str] =
    &["authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"];

/// Credentials; read once to see that they are there, then forgotten.
pub(super) fn auth(
    Spanned { value: raw, referenced, .. }: &Spanned<raw::Auth>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Auth> {
    match (&raw.bearer_token_file, &raw.bearer_token_env, &raw.header) {
        (None, None, Some(header)) => header_auth(header, context, report),
        (file, env, None) if file.is_some() != env.is_some() => {
            secret(file.as_ref(), env.as_ref(), context, report).map(Auth::Bearer)
        }
        _ => report.add(
            *referenced,
            "expected exactly one of: bearer_token_file, bearer_token_env, header",
        ),
    }
}

fn header_auth(
    raw: &raw::AuthHeader,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Auth> {
    let name = report.check(raw.name.referenced, header_name(&raw.name.value));
    if raw.value_file.is_some() == raw.value_env.is_some() {
        let why = "expected exactly one of: value_file, value_env";
        return report.add(raw.name.referenced, why);
    }
    let value = secret(raw.value_file.as_ref(), raw.value_env.as_ref(), context, report)?;
    Some(Auth::Header { name: name?, value })
}

/// The one of the two that is there, if it can be read and sent.
fn secret(
    file: Option<&Spanned<PathBuf>>,
    env: Option<&Spanned<String>>,
    context: &Context<'_>,
    report: &mut Report<'_>,
) -> Option<Secret> {
    let (secret, at) = match (file, env) {
        (Some(file), _) => (Secret::File(context.path(&file.value)), file.referenced),
        (None, Some(env)) => (Secret::Env(variable(env, report)?), env.referenced),
        (None, None) => return None,
    };
    let value = report.check(at, secret.read())?;
    if HeaderValue::from_str(&value).is_err() {
        let why = format!("{secret} cannot be sent in a header, expected one line of ASCII text");
        return report.add(at, why);
    }
    Some(secret)
}

/// The name of a variable. A bad one is not quoted: it may be the secret itself.
fn variable(env: &Spanned<String>, report: &mut Report<'_>) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if env.value.is_empty() || !env.value.bytes().all(allowed) {
        let why = "not the name of an environment variable (not shown, it may be the secret \
                   itself), expected upper-case letters, digits and underscores";
        return report.add(env.referenced, why);
    }
    Some(env.value.clone())
}

/// Further headers, names in lower case.
pub(super) fn headers(
    raw: Option<&raw::Named<Spanned<String>>>,
    report: &mut Report<'_>,
) -> Option<Vec<(String, String)>> {
    let Some(raw) = raw else { return Some(Vec::new()) };
    let at = raw.first().map_or(Location::UNKNOWN, |(name, _)| name.referenced);
    limit(raw.len(), MAX_HEADERS, "headers", at, report)?;
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut good = true;
    for (name, value) in raw {
        let header = header(name, value, report);
        let twice = header.as_ref().is_some_and(|(n, _)| headers.iter().any(|(h, _)| h == n));
        if twice {
            report.add::<()>(name.referenced, "this header is there twice, expected once");
        }
        good &= header.is_some() && !twice;
        headers.extend(header);
    }
    good.then_some(headers)
}

fn header(
    name: &Spanned<String>,
    value: &Spanned<String>,
    report: &mut Report<'_>,
) -> Option<(String, String)> {
    let lower = report.check(name.referenced, header_name(&name.value))?;
    if SECRET.contains(&lower.as_str()) {
        let why = format!("`{lower}` carries a secret, expected it under `auth`");
        return report.add(name.referenced, why);
    }
    if HeaderValue::from_str(&value.value).is_err() {
        let why = "not a header value (not shown), expected one line of ASCII text";
        return report.add(value.referenced, why);
    }
    Some((lower, value.value.clone()))
}

/// A header's name that cannot be used.
#[derive(Debug, thiserror::Error)]
enum HeaderNameError {
    #[error("not a header name, expected letters, digits and dashes")]
    Form,
    #[error("the header `{0}` is set by this program, expected another")]
    Own(String),
}

/// The name in lower case, unless it is malformed or not the user's to set.
fn header_name(name: &str) -> Result<String, HeaderNameError> {
    let name = HeaderName::try_from(name).map_err(|_| HeaderNameError::Form)?;
    let lower = name.as_str().to_owned();
    if OWN.contains(&lower.as_str()) {
        return Err(HeaderNameError::Own(lower));
    }
    Ok(lower)
}
