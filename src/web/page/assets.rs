//! What the pages load: files in the program itself, which a browser keeps until they change.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::text::fnv::{BASIS, fnv1a};

/// One file.
#[derive(Debug)]
pub(super) struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
    /// Of the text, so that a changed file has another address.
    hash: u64,
}

pub(super) static STYLE: Asset =
    asset("page.css", "text/css; charset=utf-8", include_str!("page.css"));
pub(super) static SCRIPT: Asset =
    asset("page.js", "text/javascript; charset=utf-8", include_str!("page.js"));
pub(super) static ICON: Asset = asset("icon.svg", "image/svg+xml", include_str!("icon.svg"));

static ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

const fn asset(name: &'static str, content_type: &'static str, text: &'static str) -> Asset {
    Asset { name, content_type, text, hash: fnv1a(BASIS, text.as_bytes()) }
}

impl Asset {
    /// Its address from the root of the pages.
    pub fn href(&self, root: &str) -> String {
        format!("{root}assets/{}?v={:016x}", self.name, self.hash)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Version {
    v: String,
}

pub(super) async fn serve(
    Path(file): Path<String>,
    Query(version): Query<Version>,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = ALL.iter().find(|a| a.name == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hash = format!("{:016x}", asset.hash);
    // An address without this version may mean another text tomorrow.
    let keep = if version.v == hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let cached = known.is_some_and(|tags| tags.split(',').any(|t| same(t.trim(), &tag)));
    let about = [(header::CACHE_CONTROL, keep.to_owned()), (header::ETAG, tag)];
    if cached {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let kind = [(header::CONTENT_TYPE, asset.content_type)];
    (about, kind, asset.text).into_response()
}

/// A proxy that compresses weakens the tag; the text is the same.
fn same(given: &str, tag: &str) -> bool {
    given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag
}
