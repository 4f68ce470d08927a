//! Who is let in: TLS, users and a limit of requests, by the file of `--web.config.file`. It is read
//! again when it, or a file that it names, has changed.

mod error;
mod settings;
mod tls;
mod users;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use error::AccessError;
use settings::{Rate, Settings};
use tls::Tls;
use users::{Users, Verdict};

use super::connections::{Client, Watched};

/// How often it is looked whether a file has changed.
const LOOK: Duration = Duration::from_secs(2);

/// Everybody, where there is no file; else as it says. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Access(Option<Arc<File>>);

#[derive(Debug)]
struct File {
    path: PathBuf,
    now: ArcSwap<Rules>,
}

#[derive(Debug)]
struct Rules {
    tls: Option<Tls>,
    users: Users,
    headers: Vec<(HeaderName, HeaderValue)>,
    bucket: Option<Bucket>,
    /// Of the file and those that it names.
    files: Vec<PathBuf>,
    seen: Vec<Seen>,
}

/// What tells one state of a file from another.
type Seen = Option<(SystemTime, u64)>;

impl Access {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let now = ArcSwap::from_pointee(Rules::read(path)?);
        Ok(Self(Some(Arc::new(File { path: path.to_owned(), now }))))
    }

    /// Reads the file again whenever it has changed; one that is wrong changes nothing, and the log
    /// says so.
    pub async fn keep_new(self) {
        let Some(file) = self.0 else { return };
        let mut wrong: Option<String> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let (rules, path) = (file.now.load_full(), file.path.clone());
            // One that is wrong is tried at every look: a file that it names may come later.
            let look = tokio::task::spawn_blocking(move || {
                let changed = seen(&rules.files) != rules.seen;
                changed.then(|| Rules::read(&path).and_then(|new| rules.followed_by(new)))
            });
            match look.await {
                Ok(Some(Ok(rules))) => {
                    tracing::info!("the web configuration has changed and was read again");
                    file.now.store(Arc::new(rules));
                    wrong = None;
                }
                Ok(Some(Err(error))) => {
                    let why = error.to_string();
                    if wrong.as_ref() != Some(&why) {
                        tracing::error!("the web configuration stays as it was: {why}");
                    }
                    wrong = Some(why);
                }
                Ok(None) => wrong = None,
                Err(_) => {}
            }
        }
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.as_ref().is_some_and(|file| file.now.load().tls.is_some())
    }

    /// Does the handshake, where TLS is spoken. `None` for a client that is not let in.
    pub(super) async fn accept(&self, socket: Watched) -> Option<Accepted> {
        let tls = self.0.as_ref().and_then(|file| file.now.load().tls.clone());
        let Some(tls) = tls else { return Some(Accepted::Plain(socket)) };
        let accepted = TlsAcceptor::from(Arc::clone(&tls.config)).accept(socket).await.ok()?;
        let let_in = tls.lets_in(accepted.get_ref().1.peer_certificates());
        if tls.verified {
            accepted.get_ref().0.connection().is_of_a_user();
        }
        let_in.then(|| Accepted::Encrypted(Box::new(accepted)))
    }
}

/// A client's connection, as it speaks.
pub(super) enum Accepted {
    Plain(Watched),
    Encrypted(Box<TlsStream<Watched>>),
}

impl Rules {
    fn read(path: &Path) -> Result<Self, AccessError> {
        // Before it is read: what changes meanwhile is read once more.
        let own = seen(std::slice::from_ref(&path.to_owned()));
        let settings = Settings::read(path)?;
        let mut files = vec![path.to_owned()];
        files.extend(settings.files());
        let mut seen = seen(&files);
        seen[..1].clone_from_slice(&own);
        if settings.wants_http2() {
            tracing::debug!("http_server_config.http2: only HTTP/1.1 is spoken");
        }
        let header = |(name, value): (&str, String)| {
            let value = HeaderValue::try_from(value).ok();
            let name = HeaderName::try_from(name).ok();
            name.zip(value).ok_or(AccessError::HeaderText)
        };
        Ok(Self {
            tls: settings.tls().map(Tls::new).transpose()?,
            users: Users::new(settings.users())?,
            headers: settings.headers()?.into_iter().map(header).collect::<Result<_, _>>()?,
            bucket: settings.rate()?.map(Bucket::new),
            files,
            seen,
        })
    }

    /// The rules that come after these. A file that was emptied, or is not written to its end yet,
    /// opens no door: that takes a restart.
    fn followed_by(&self, new: Self) -> Result<Self, AccessError> {
        let open = (self.tls.is_some() && new.tls.is_none())
            || (!self.users.is_empty() && new.users.is_empty());
        if open { Err(AccessError::Opened) } else { Ok(new) }
    }
}

fn seen(files: &[PathBuf]) -> Vec<Seen> {
    let seen = |file: &PathBuf| {
        let metadata = file.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(seen).collect()
}

/// Requests that may be made at once; one comes back after each interval.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// When it is full again.
    full: Mutex<Instant>,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        Self { rate, full: Mutex::new(Instant::now()) }
    }

    /// Takes one out, if there is one.
    fn take(&self) -> bool {
        let Rate { interval, burst } = self.rate;
        let now = Instant::now();
        let mut full = self.full.lock();
        let next = (*full).max(now) + interval;
        let room = interval.saturating_mul(burst);
        if next.saturating_duration_since(now) > room {
            return false;
        }
        *full = next;
        true
    }
}

/// Lets a request in by the rules.
pub(super) async fn admit(
    State(access): State<Access>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let Some(file) = access.0 else { return next.run(request).await };
    let rules = file.now.load_full();
    let mut response = if rules.bucket.as_ref().is_some_and(|bucket| !bucket.take()) {
        (StatusCode::TOO_MANY_REQUESTS, "too many requests\n").into_response()
    } else if rules.users.is_empty() {
        next.run(request).await
    } else {
        match rules.users.check(request.headers()).await {
            Verdict::Right => {
                if let Some(connection) = &client.0 {
                    connection.is_of_a_user();
                }
                next.run(request).await
            }
            Verdict::Wrong => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic")];
                (StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n").into_response()
            }
            Verdict::Busy => {
                (StatusCode::TOO_MANY_REQUESTS, "too many wrong passwords\n").into_response()
            }
        }
    };
    for (name, value) in &rules.headers {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_emptied_opens_no_door() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yml");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Rules::read(&file).unwrap()
        };
        let hash = "$2b$04$abcdefghijklmnopqrstuuhUPyrfiHGbm2s5XkLzqIoT.BG5CgvYO";
        let users = format!("basic_auth_users: {{prom: {hash}}}\n");
        let (with, again) = (read(&users), read(&users.replace("prom", "other")));
        assert!(with.followed_by(again).is_ok());
        for emptied in ["", "http_server_config: {http2: false}\n"] {
            let refused = with.followed_by(read(emptied)).unwrap_err().to_string();
            assert!(refused.contains("no user any more; restart"), "{refused}");
        }
        assert!(read("").followed_by(with).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_has_its_burst_and_fills_again() {
        let bucket = Bucket::new(Rate { interval: Duration::from_secs(1), burst: 3 });
        let take = |n: usize| (0..n).map(|_| bucket.take()).collect::<Vec<_>>();
        assert_eq!(take(4), [true, true, true, false]);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(take(3), [true, true, false]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(take(4), [true, true, true, false]);
    }
}
