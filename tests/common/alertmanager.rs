//! A real Alertmanager, and the webhook that it notifies.
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::Value;

use super::{counterparts::counterpart, process::Process};

/// One alert of a notification.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// `firing` or `resolved`.
    pub status: String,
    /// The alert's name.
    pub alert: String,
    /// The label `target`; empty where there is none.
    pub target: String,
}

impl Notice {
    fn of(alert: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            status: text(&alert["status"]),
            alert: text(&alert["labels"]["alertname"]),
            target: text(&alert["labels"]["target"]),
        }
    }
}

/// What arrived, in order: every alert of every notification, as Alertmanager sent it.
type Notices = Arc<Mutex<Vec<Value>>>;

/// A running Alertmanager that notifies of each alert by itself.
pub struct Alertmanager {
    process: Process,
    notices: Notices,
    _data: tempfile::TempDir,
}

impl Alertmanager {
    /// Starts it, and a webhook on a free port of loopback; it notifies without delay.
    pub async fn start() -> Option<Self> {
        Self::start_with("0s", "").await
    }

    /// The same, with a wait for what may hold an alert back, and further keys of its configuration
    /// file. What has no severity for people is not notified.
    pub async fn start_with(group_wait: &str, further: &str) -> Option<Self> {
        let program = counterpart("alertmanager")?;
        let notices = Notices::default();
        let webhook = webhook(Arc::clone(&notices)).await;
        let data = tempfile::tempdir().unwrap_or_else(|error| panic!("no data folder: {error}"));
        let file = data.path().join("alertmanager.yml");
        let config = format!(
            "route:\n  receiver: hook\n  group_by: ['...']\n  group_wait: {group_wait}\n  group_interval: 1s\n  \
               routes: [{{receiver: nobody, matchers: ['severity=\"none\"']}}]\n\
             receivers:\n  - {{name: hook, webhook_configs: [{{url: 'http://{webhook}/'}}]}}\n  \
               - {{name: nobody}}\n{further}"
        );
        std::fs::write(&file, config).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let process = Process::start(
            Command::new(program)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", data.path().join("data").display()))
                .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]),
        )
        .await;
        process.ready("/-/ready").await;
        Some(Self { process, notices, _data: data })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Every notice so far.
    pub fn notices(&self) -> Vec<Notice> {
        self.received().iter().map(Notice::of).collect()
    }

    /// The same, whole.
    pub fn received(&self) -> Vec<Value> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a notice has arrived.
    pub async fn wait_for(&self, notice: &Notice) {
        let what = format!("{notice:?}");
        self.process.poll(&what, || async { self.notices().contains(notice).then_some(()) }).await;
    }
}

async fn webhook(notices: Notices) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.unwrap_or_else(|error| panic!("no port for the webhook: {error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
    let app = Router::new().route("/", post(receive)).with_state(notices);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn receive(State(notices): State<Notices>, Json(body): Json<Value>) {
    let alerts = body["alerts"].as_array().cloned().unwrap_or_default();
    notices.lock().unwrap_or_else(PoisonError::into_inner).extend(alerts);
}
