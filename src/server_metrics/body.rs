//! The bytes of a page: no more than a limit, also when they are unpacked.

use std::io::{ErrorKind, Read};

use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, HeaderMap};

use super::problem::{Failed, Problem};
use crate::transport::control::add;

/// The page itself. Nobody asked for it to be compressed, but some proxies compress for everybody.
pub(super) fn unpacked(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, Failed> {
    let encoding = headers.get(CONTENT_ENCODING).map(|e| e.as_bytes().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip" | b"x-gzip") => gunzipped(&body),
        Some(other) => Err(Failed::new(Problem::Encoding, String::from_utf8_lossy(other))),
    }
}

fn gunzipped(packed: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut decoder = MultiGzDecoder::new(packed);
    let (mut body, mut part) = (Vec::new(), [0; 16 << 10]);
    loop {
        match decoder.read(&mut part) {
            Ok(0) => return Ok(body),
            Ok(n) => add(&mut body, &part[..n])?,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(Failed::new(Problem::Encoding, e.to_string())),
        }
    }
}
