//! Requests to AWS, signed by its scheme (Signature Version 4) with the credentials that its own
//! programs use: of the environment, else of the files below `~/.aws`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, HeaderValue, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};
use time::OffsetDateTime;
use url::Url;

use crate::text::input_file;

/// What stands for itself in what is signed.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a path.
const PATH: &AsciiSet = &PLAIN.remove(b'/');
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// Larger files are none of AWS's.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Who asks. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key's name.
    pub access_key: String,
    secret_key: String,
    /// Of a session that ends.
    pub session_token: Option<String>,
}

/// Why a request cannot be signed: never with a value in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// Nobody to ask as.
    #[error(
        "no AWS credentials: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile \
         `{0}` in {file}", file = .1.display()
    )]
    NoCredentials(String, PathBuf),
    /// A place of the request that signatures name.
    #[error(
        "no AWS region: expected it in the URL, in AWS_REGION, or of the profile `{0}` in {file}",
        file = .1.display()
    )]
    NoRegion(String, PathBuf),
    /// Part of the credentials cannot be sent.
    #[error("the AWS credentials hold bytes that a header cannot carry")]
    NotAHeader,
}

/// Where AWS's programs look, too.
pub struct Sources<E> {
    /// Variables of the environment.
    pub env: E,
}

impl Sources<fn(&str) -> Option<String>> {
    /// Those of this process.
    #[must_use]
    pub fn system() -> Self {
        Self { env: |name| std::env::var(name).ok() }
    }
}

impl<E: Fn(&str) -> Option<String>> Sources<E> {
    fn variable(&self, name: &str) -> Option<String> {
        (self.env)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A file of AWS's programs, which a variable may name.
    fn file(&self, variable: &str, name: &str) -> PathBuf {
        let home = || Path::new(&self.variable("HOME").unwrap_or_default()).join(".aws").join(name);
        self.variable(variable).map_or_else(home, PathBuf::from)
    }

    fn profile(&self) -> String {
        self.variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
    }

    /// The settings of the profile, in the file of credentials and then in the one of all else.
    fn settings(&self) -> BTreeMap<String, String> {
        let profile = self.profile();
        let mut settings = section(&self.file("AWS_CONFIG_FILE", "config"), &profile);
        settings.extend(section(&self.credentials_file(), &profile));
        settings
    }

    fn credentials_file(&self) -> PathBuf {
        self.file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    }

    /// Read at the moment of use, so that what was rotated is used.
    ///
    /// # Errors
    /// Where it was looked for, if there are none.
    pub fn credentials(&self) -> Result<Credentials, AwsError> {
        let keys = self.variable("AWS_ACCESS_KEY_ID").zip(self.variable("AWS_SECRET_ACCESS_KEY"));
        if let Some((access_key, secret_key)) = keys {
            let session_token = self.variable("AWS_SESSION_TOKEN");
            return Ok(Credentials { access_key, secret_key, session_token });
        }
        let mut settings = self.settings();
        let mut take = |name| settings.remove(name).filter(|value| !value.is_empty());
        let keys = take("aws_access_key_id").zip(take("aws_secret_access_key"));
        let session_token = take("aws_session_token");
        match keys {
            Some((access_key, secret_key)) => {
                Ok(Credentials { access_key, secret_key, session_token })
            }
            None => Err(AwsError::NoCredentials(self.profile(), self.credentials_file())),
        }
    }

    /// The region of a service's address, else the one that is set.
    ///
    /// # Errors
    /// Where it was looked for, if there is none.
    pub fn region(&self, url: &Url) -> Result<String, AwsError> {
        let set = || self.variable("AWS_REGION").or_else(|| self.variable("AWS_DEFAULT_REGION"));
        let filed = || self.settings().remove("region").filter(|region| !region.is_empty());
        let none = || AwsError::NoRegion(self.profile(), self.file("AWS_CONFIG_FILE", "config"));
        region_of(url).or_else(set).or_else(filed).ok_or_else(none)
    }
}

/// `us-east-1` of `bedrock-runtime.us-east-1.amazonaws.com`.
fn region_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let mut parts = host.split('.').skip_while(|part| !part.starts_with("bedrock-runtime"));
    let amazon = ["amazonaws.com", "amazonaws.com.cn"].iter().any(|end| host.ends_with(end));
    parts.next().filter(|_| amazon)?;
    parts.next().filter(|part| part.contains('-')).map(str::to_owned)
}

/// The settings of one profile; a file that is not there has none.
fn section(file: &Path, profile: &str) -> BTreeMap<String, String> {
    let bytes = input_file::read(file, MAX_FILE_BYTES).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut settings = BTreeMap::new();
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = name.trim();
            within = name.strip_prefix("profile ").map_or(name, str::trim) == profile;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| within)
            && !line.starts_with(['#', ';'])
        {
            settings.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    settings
}

/// The wall clock, to the second.
#[must_use]
pub fn now() -> OffsetDateTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Signs a request that is complete but for what signing adds.
///
/// # Errors
/// When part of the credentials cannot be sent.
pub fn sign<B>(
    request: &mut Request<B>,
    body: &[u8],
    credentials: &Credentials,
    (region, service): (&str, &str),
    now: OffsetDateTime,
) -> Result<(), AwsError> {
    let header = |text: &str| HeaderValue::from_str(text).map_err(|_| AwsError::NotAHeader);
    let (day, instant) = dates(now);
    request.headers_mut().insert(DATE, header(&instant)?);
    if let Some(token) = &credentials.session_token {
        let mut token = header(token)?;
        token.set_sensitive(true);
        request.headers_mut().insert(TOKEN, token);
    }
    let (canonical, signed) = canonical(request, body);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("{ALGORITHM}\n{instant}\n{scope}\n{hash}");
    let mac = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let first = format!("AWS4{}", credentials.secret_key).into_bytes();
    let key = [day.as_str(), region, service, "aws4_request"]
        .iter()
        .fold(first, |key, text| mac(&key, text));
    let signature = hex(&mac(&key, &text));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
        credentials.access_key
    );
    let mut authorization = header(&authorization)?;
    authorization.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, authorization);
    Ok(())
}

/// The request as it is signed, and the names of the headers that are: those that no proxy changes.
fn canonical<B>(request: &Request<B>, body: &[u8]) -> (String, String) {
    let is_signed = |name: &HeaderName| {
        *name == HOST || *name == http::header::CONTENT_TYPE || name.as_str().starts_with("x-amz-")
    };
    let headers = request.headers().iter().filter(|(name, _)| is_signed(name));
    let headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let signed = headers.keys().copied().collect::<Vec<_>>().join(";");
    let mut text = format!("{}\n", request.method());
    // The path is encoded once more, as it is sent.
    let _ = writeln!(text, "{}", utf8_percent_encode(request.uri().path(), PATH));
    let query = request.uri().query().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| {
            let encode = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
            (encode(&name), encode(&value))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let _ = writeln!(text, "{}", pairs.join("&"));
    for (name, value) in &headers {
        let words: Vec<_> = value.split_whitespace().collect();
        let _ = writeln!(text, "{name}:{}", words.join(" "));
    }
    let _ = write!(text, "\n{signed}\n{}", hex(digest::digest(&digest::SHA256, body).as_ref()));
    (text, signed)
}

/// `20150830` and `20150830T123600Z`.
fn dates(now: OffsetDateTime) -> (String, String) {
    let (year, month, day) = now.to_calendar_date();
    let day = format!("{year:04}{:02}{day:02}", u8::from(month));
    let (hour, minute, second) = now.to_hms();
    let instant = format!("{day}T{hour:02}{minute:02}{second:02}Z");
    (day, instant)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's own test suite.
    fn example() -> (Credentials, OffsetDateTime) {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        };
        (credentials, OffsetDateTime::from_unix_timestamp(1_440_938_160).unwrap())
    }

    fn signed(request: http::request::Builder, body: &[u8]) -> Request<()> {
        let (credentials, now) = example();
        let mut request = request.header(HOST, "example.amazonaws.com").body(()).unwrap();
        sign(&mut request, body, &credentials, ("us-east-1", "service"), now).unwrap();
        request
    }

    fn signature(request: &Request<()>) -> String {
        let text = request.headers()[AUTHORIZATION].to_str().unwrap();
        text.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_test_suite_of_aws() {
        let vanilla = signed(Request::get("/"), b"");
        let expect = "AWS4-HMAC-SHA256 \
            Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
            SignedHeaders=host;x-amz-date, \
            Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(vanilla.headers()[AUTHORIZATION], expect);
        assert_eq!(vanilla.headers()[DATE], "20150830T123600Z");
        let post = signature(&signed(Request::post("/"), b""));
        assert_eq!(post, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
        let query = signature(&signed(Request::get("/?Param2=value2&Param1=value1"), b""));
        assert_eq!(query, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    }

    #[test]
    fn the_path_is_encoded_twice_and_a_token_is_signed() {
        let request = Request::post("/model/a%3A0/converse-stream").header(TOKEN, "t").body(());
        let (text, signed) = canonical(&request.unwrap(), b"{}");
        assert!(
            text.starts_with("POST\n/model/a%253A0/converse-stream\n\nx-amz-security-token:t\n")
        );
        assert_eq!(signed, "x-amz-security-token");
        let (credentials, now) = example();
        let credentials = Credentials { session_token: Some("s".to_owned()), ..credentials };
        let mut request = Request::post("/").body(()).unwrap();
        sign(&mut request, b"", &credentials, ("r", "s"), now).unwrap();
        assert_eq!(request.headers()[TOKEN], "s");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
    }

    #[test]
    fn credentials_of_the_environment_go_before_those_of_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file.display().to_string()
        };
        let credentials = file(
            "credentials",
            "[default]\naws_access_key_id = A\n# aws_secret_access_key = no\n\
             aws_secret_access_key=B\n[other]\naws_access_key_id = C\naws_secret_access_key = D\n\
             aws_session_token = E\n",
        );
        let config = file("config", "[default]\nregion = eu-west-1\n[profile other]\nregion=x\n");
        let find = |more: &[(&str, &str)]| {
            let files = [
                ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
                ("AWS_CONFIG_FILE", config.as_str()),
            ];
            let all: Vec<(String, String)> = files
                .iter()
                .chain(more)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let env = move |name: &str| {
                all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            };
            let sources = Sources { env };
            let found =
                sources.credentials().map(|c| (c.access_key, c.secret_key, c.session_token));
            let url: Url = "http://127.0.0.1:8000".parse().unwrap();
            (found, sources.region(&url))
        };
        let keys = |a: &str, b: &str, c: Option<&str>| {
            Ok((a.to_owned(), b.to_owned(), c.map(str::to_owned)))
        };
        assert_eq!(find(&[]), (keys("A", "B", None), Ok("eu-west-1".to_owned())));
        let other = find(&[("AWS_PROFILE", "other")]);
        assert_eq!(other, (keys("C", "D", Some("E")), Ok("x".to_owned())));
        let own = [("AWS_ACCESS_KEY_ID", "K"), ("AWS_SECRET_ACCESS_KEY", "S"), ("AWS_REGION", "r")];
        assert_eq!(find(&own), (keys("K", "S", None), Ok("r".to_owned())));
        let (none, region) = find(&[("AWS_PROFILE", "nobody")]);
        let why = none.unwrap_err().to_string();
        assert!(why.contains("the profile `nobody` in ") && why.ends_with("credentials"), "{why}");
        assert!(region.unwrap_err().to_string().contains("AWS_REGION"));
    }

    #[test]
    fn the_region_is_in_the_address() {
        let check = |url: &str, expect: Option<&str>| {
            assert_eq!(region_of(&url.parse().unwrap()).as_deref(), expect, "{url}");
        };
        check("https://bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1"));
        check("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/", Some("us-gov-west-1"));
        check("https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", Some("eu-west-1"));
        check("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", Some("cn-north-1"));
        check("https://bedrock-runtime.example.com", None);
        check("http://127.0.0.1:8000", None);
    }
}
