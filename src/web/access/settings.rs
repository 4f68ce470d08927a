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
            Interval::Text(text) => duration(text).ok_or(AccessError::Interval)?,
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

/// As Go writes durations: `0`, `1s`, `1.5h`, `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(number);
        let unit = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

impl TlsSettings {
    /// Whether it says who certifies clients.
    pub fn has_authorities(&self) -> bool {
        !self.client_ca.is_empty() || !self.client_ca_file.as_os_str().is_empty()
    }

    fn is_wanted(&self) -> bool {
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        let texts = [&self.cert, &self.key, &self.client_ca, &self.client_auth_type];
        files.iter().any(|file| !file.as_os_str().is_empty())
            || texts.iter().any(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        };
        check("0", Some(0));
        check("1s", Some(1_000));
        check("1.5h", Some(5_400_000));
        check("1m30s", Some(90_000));
        check("250ms", Some(250));
        check(".5s", Some(500));
        for wrong in ["", "1", "s", "often", "1d", "1s2", "-1s", "1..5s", "1e300h"] {
            check(wrong, None);
        }
    }
}
