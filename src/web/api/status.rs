//! `GET /api/v1/status`: the program itself.

use std::time::UNIX_EPOCH;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::web::site::Site;

/// The program itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// Operating system it was built for.
    pub os: String,
    /// Processor it was built for.
    pub arch: String,
    /// When it began to serve, Unix seconds.
    pub started_unix_seconds: f64,
    /// Seconds since then.
    pub uptime: f64,
    /// Targets that are probed.
    pub targets: usize,
    /// The configuration in force.
    pub config: ConfigStatus,
    /// What is remembered.
    pub history: HistoryStatus,
    /// Flight records on disk; null unless the program was started with `--flight-recorder.dir`.
    pub flight_recorder: Option<FlightRecorderStatus>,
    /// What is served beyond figures.
    pub features: Features,
}

/// The configuration in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConfigStatus {
    /// Whether the last attempt to load it succeeded; if not, the one before is still in force.
    pub last_reload_successful: Option<bool>,
    /// When the one in force was loaded, Unix seconds.
    pub last_success_unix_seconds: Option<f64>,
}

/// What is remembered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryStatus {
    /// Probes.
    pub probes: usize,
    /// Memory that their recordings take, in bytes.
    pub recorded_bytes: usize,
}

/// Flight records on disk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FlightRecorderStatus {
    /// Written since the start.
    pub written: u64,
    /// Could not be written, or there was no time.
    pub lost: u64,
    /// In the folder now.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What is served beyond figures.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Features {
    /// Recordings, which hold answers (`--web.enable-recordings`).
    pub recordings: bool,
    /// Probes on demand (`--web.enable-probe`).
    pub probe: bool,
}

/// The program
///
/// Build, uptime and whether the last reload succeeded.
#[utoipa::path(get, path = "/status", responses(
    (status = 200, description = "The program.", body = Status),
))]
pub(super) async fn get(State(site): State<Site>) -> Json<Status> {
    let (last_reload_successful, last_success_unix_seconds) = site.daemon.metrics.reload_state();
    let history = &site.daemon.history;
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        started_unix_seconds: site
            .started
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |t| t.as_secs_f64()),
        uptime: site.started.elapsed().map_or(0.0, |t| t.as_secs_f64()),
        targets: site.daemon.config().targets.len(),
        config: ConfigStatus { last_reload_successful, last_success_unix_seconds },
        history: HistoryStatus { probes: history.len(), recorded_bytes: history.recorded_bytes() },
        flight_recorder: site.daemon.recorder().map(|r| FlightRecorderStatus {
            written: r.written,
            lost: r.lost,
            files: r.files,
            bytes: r.bytes,
        }),
        features: Features { recordings: site.options.recordings, probe: site.options.probe },
    })
}
