//! The HTTP request of one probe.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT,
};
use http_body_util::Full;
use serde_json::{Map, Value};

use crate::answer::failure::{Failure, FailureReason};
use crate::dialect::{Ask, Body, KeyStyle};
use crate::target::aws::{self, Sources};
use crate::target::learned::Terms;
use crate::target::secret::Secret;
use crate::target::{Auth, Target};
use crate::workload::mix::Draw;

/// How the prober introduces itself.
pub const AGENT: &str = concat!("llm-prober/", env!("CARGO_PKG_VERSION"));

/// The identity of a probe: 32 hex digits, also its trace id, so that one string finds it in the
/// server's log, in a trace and in an exemplar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProbeId(String);

impl ProbeId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        // All zeros is the one value a trace id must not have.
        Self(format!("{:032x}", rand::random::<u128>().max(1)))
    }

    /// An id as it was written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 32 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn traceparent(&self) -> String {
        format!("00-{}-{:016x}-01", self.0, rand::random::<u64>().max(1))
    }
}

/// Writes the request.
///
/// # Errors
/// An `internal` failure when a secret cannot be read or a value is not a legal header.
pub fn build(
    target: &Target,
    draw: &Draw,
    model: &str,
    id: &ProbeId,
    terms: Terms,
) -> Result<http::Request<Full<Bytes>>, Failure> {
    let url = endpoint(target, model);
    let ask = ask(target, draw, model, terms);
    let body = body(target, draw, &ask);
    let tools = OffersTools(["tools", "functions"].iter().any(|key| holds_some(body.get(*key))));
    let Body { media_type, bytes } =
        target.dialect.encode(&ask, &body).map_err(|e| internal(&e))?;
    let bytes = Bytes::from(bytes);
    let mut request = http::Request::new(Full::new(bytes.clone()));
    request.extensions_mut().insert(tools);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = url[url::Position::BeforePath..].parse().map_err(|e| internal(&e))?;
    let headers = request.headers_mut();
    headers.insert(HOST, value(authority(&url))?);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CONTENT_TYPE, value(&media_type)?);
    let accept = target.dialect.framing(target.shape(), None).media_type();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert("x-request-id", value(id.as_str())?);
    headers.insert("traceparent", value(&id.traceparent())?);
    for (name, text) in target.dialect.headers() {
        headers.insert(*name, value(text)?);
    }
    for (name, text) in &target.headers {
        headers.insert(name.parse::<HeaderName>().map_err(|e| internal(&e))?, value(text)?);
    }
    if let Some((name, value)) = authorization(target)? {
        headers.insert(name, value);
    }
    if let Some(service) = signed_for(target) {
        // Last, over all that is sent.
        let sources = Sources::system();
        let credentials = sources.credentials().map_err(|e| internal(&e))?;
        let region = sources.region(&url).map_err(|e| internal(&e))?;
        let scope = (region.as_str(), service);
        let signed = aws::sign(&mut request, &bytes, &credentials, scope, aws::now());
        signed.map_err(|e| internal(&e))?;
    }
    Ok(request)
}

/// The AWS service that requests to this target are signed for, if they are.
#[must_use]
pub fn signed_for(target: &Target) -> Option<&'static str> {
    target.dialect.signed_for().filter(|_| target.auth.is_none())
}

/// What [`offers_tools`] finds.
#[derive(Debug, Clone, Copy)]
struct OffersTools(bool);

/// Whether a request that was built here lets the server call tools, whoever put them into it.
#[must_use]
pub fn offers_tools<B>(request: &http::Request<B>) -> bool {
    request.extensions().get::<OffersTools>().is_some_and(|tools| tools.0)
}

fn holds_some(list: Option<&Value>) -> bool {
    list.and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// The full URL that probes of this model are sent to.
#[must_use]
pub fn endpoint(target: &Target, model: &str) -> url::Url {
    target.below(&target.dialect.path(model, target.shape()))
}

/// Host and, where it is not the scheme's own, port: what the `host` header says.
#[must_use]
pub fn authority(url: &url::Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}

/// The credentials as a header, read at this moment so that a rotated secret is used.
///
/// # Errors
/// An `internal` failure that names the secret's place, never its value.
pub fn authorization(target: &Target) -> Result<Option<(HeaderName, HeaderValue)>, Failure> {
    target.auth.as_ref().map(|auth| credentials(auth, target.dialect.key())).transpose()
}

/// Credentials as a header, a bare key in this style; as [`authorization`].
///
/// # Errors
/// As [`authorization`].
pub fn credentials(auth: &Auth, style: KeyStyle) -> Result<(HeaderName, HeaderValue), Failure> {
    let read = |secret: &Secret| secret.read().map_err(|e| internal(&e));
    let (name, text) = match (auth, style) {
        (Auth::Bearer(secret), KeyStyle::Bearer) => {
            (AUTHORIZATION, format!("Bearer {}", read(secret)?))
        }
        (Auth::Bearer(secret), KeyStyle::Header(name)) => {
            (HeaderName::from_static(name), read(secret)?)
        }
        (Auth::Header { name, value }, _) => {
            (name.parse().map_err(|e| internal(&e))?, read(value)?)
        }
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| internal(&"the secret holds bytes that a header cannot carry"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn ask<'a>(target: &Target, draw: &'a Draw, model: &'a str, terms: Terms) -> Ask<'a> {
    Ask {
        model,
        prompt: &draw.prompt,
        max_output_tokens: draw.max_output_tokens(),
        limit_key: terms.limit_key,
        usage: terms.usage,
        shape: target.shape(),
    }
}

fn body(target: &Target, draw: &Draw, ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = target.dialect.body(ask);
    merge(&mut body, &target.extra_body);
    merge(&mut body, &draw.workload.extra_body);
    body
}

/// Null removes a key, and objects are merged key by key: some APIs keep the limit of tokens in one,
/// beside what a configuration may set there.
fn merge(body: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match (body.get_mut(key), value) {
            (_, Value::Null) => {
                body.remove(key);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            _ => {
                body.insert(key.clone(), value.clone());
            }
        }
    }
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(text).map_err(|e| internal(&e))
}

fn internal(problem: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureReason::Internal, problem.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_merged_key_by_key() {
        let check = |body: Value, patch: Value, expect: Value| {
            let (Value::Object(mut body), Value::Object(patch)) = (body, patch) else { panic!() };
            merge(&mut body, &patch);
            assert_eq!(Value::Object(body), expect);
        };
        let options = || json!({"options": {"num_predict": 7, "seed": 1}});
        check(
            options(),
            json!({"options": {"num_ctx": 9, "seed": null}, "think": true}),
            json!({"options": {"num_predict": 7, "num_ctx": 9}, "think": true}),
        );
        check(options(), json!({"options": 1}), json!({"options": 1}));
        check(json!({"options": 1}), options(), options());
        check(options(), json!({"options": null}), json!({}));
    }
}
