//! The file of `--web.config.file`: the format of the Prometheus project's exporter-toolkit, so that
//! the very file of the blackbox exporter can be used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_yaml::{DuplicateKeyPolicy, Location};

use super::error::AccessError;
use crate::config::yaml::describe;
use crate::text::input_file;

/// Far more than anybody needs, certificates within it included.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Headers that may be set, and what they may say, if not everything.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    tls_server_config: Option<TlsSettings>,
    http_server_config: Option<HttpSettings>,
    basic_auth_users: Option<BTreeMap<String, String>>,
    rate_limit: Option<RateSettings>,
}

/// How TLS is spoken. An empty text is as good as none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsSettings {
    pub cert: String,
    pub key: String,
    pub client_ca: String,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub client_ca_file: PathBuf,
    pub client_auth_type: String,
    pub client_allowed_sans: Option<Vec<String>>,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    pub min_version: Option<String>,
    pub max_version: Option<String>,
    pub prefer_server_cipher_suites: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpSettings {
    /// Only HTTP/1.1 is spoken, which every client takes.
    http2: Option<bool>,
    headers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RateSettings {
    interval: Option<Interval>,
    burst: u32,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Interval {
    Nanoseconds(u64),
    Text(String),
}

/// So many requests at once, and one more after each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pub interval: Duration,
    pub burst: u32,
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let unreadable = |error| AccessError::Unreadable { file: path.to_owned(), error };
        let bytes = input_file::read(path, MAX_FILE_BYTES).map_err(unreadable)?;
        let bytes = bytes.ok_or_else(|| AccessError::TooLarge(path.to_owned()))?;
        let text = String::from_utf8(bytes).map_err(|_| AccessError::NotText(path.to_owned()))?;
        let wrong = |location: Option<Location>, why| {
            let location = location.unwrap_or(Location::UNKNOWN);
            let (line, column) = (location.line(), location.column());
            AccessError::Syntax { file: path.to_owned(), line, column, why }
        };
        let options = serde_yaml::options! {
            duplicate_keys: DuplicateKeyPolicy::Error,
            with_snippet: false,
        };
        let settings = serde_yaml::from_str_with_options::<Option<Self>>(&text, options);
        let mut settings = settings
            .map_err(|error| wrong(error.location(), describe(&error)))?
            .unwrap_or_default();
        if let Some(tls) = &mut settings.tls_server_config {
            let folder = path.parent().unwrap_or(Path::new(""));
            for file in [&mut tls.cert_file, &mut tls.key_file, &mut tls.client_ca_file] {
                if !file.as_os_str().is_empty() {
                    *file = folder.join(&*file);
                }
            }
        }
        Ok(settings)
    }

    /// `None` where nothing asks for TLS.
    pub fn tls(&self) -> Option<&TlsSettings> {
        self.tls_server_config.as_ref().filter(|tls| tls.is_wanted())
    }

    /// Names, and the hashes of their passwords.
    pub fn users(&self) -> BTreeMap<String, String> {
        self.basic_auth_users.clone().unwrap_or_default()
    }

    /// Headers of every answer.
    ///
    /// # Errors
    /// Which is not to be set, or not to this.
    pub fn headers(&self) -> Result<Vec<(&'static str, String)>, AccessError> {
        let wanted = self.http_server_config.iter().flat_map(|http| &http.headers);
        let wanted = wanted.filter(|(_, value)| !value.is_empty());
        let check = |(name, value): (&String, &String)| {
            let known = HEADERS.iter().find(|(known, _)| known == name);
            let (name, values) = known.ok_or_else(|| AccessError::Header(name.clone()))?;
            if !values.is_empty() && !values.contains(&value.as_str()) {
                let expected = values.join(" or ");
                return Err(AccessError::HeaderValue { name, expected });
            }
            Ok((*name, value.clone()))
        };
        wanted.map(check).collect()
    }

    /// `None` without a limit.
    ///
    /// # Errors
    /// When the interval is no duration.
    pub fn rate(&self) -> Result<Option<Rate>, AccessError> {
        let Some(RateSettings { interval: Some(interval), burst }) = &self.rate_limit else {
            return Ok(None);
        };
        let interval = match interval {
            Interval::Nanoseconds(nanoseconds) => Duration::from_nanos(*nanoseconds),
            Interval::Text(text) if text == "0" => Duration::ZERO,
            Interval::Text(text) => {
                humantime::parse_duration(text).map_err(|_| AccessError::Interval)?
            }
        };
        Ok((!interval.is_zero()).then_some(Rate { interval, burst: *burst }))
    }

    /// The files that this one names.
    pub fn files(&self) -> Vec<PathBuf> {
        let tls = self.tls().into_iter();
        let all = tls.flat_map(|tls| [&tls.cert_file, &tls.key_file, &tls.client_ca_file]);
        all.filter(|file| !file.as_os_str().is_empty()).cloned().collect()
    }

    /// HTTP/2 was asked for by name.
    pub fn wants_http2(&self) -> bool {
        self.http_server_config.as_ref().and_then(|http| http.http2) == Some(true)
    }
}

impl TlsSettings {
    fn is_wanted(&self) -> bool {
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        let texts = [&self.cert, &self.key, &self.client_ca, &self.client_auth_type];
        files.iter().any(|file| !file.as_os_str().is_empty())
            || texts.iter().any(|text| !text.is_empty())
    }
}
