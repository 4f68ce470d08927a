//! What the transport wrote down about one probe: bytes and when they arrived, nothing derived.

use std::net::SocketAddr;
use std::time::Duration;
use strum::IntoStaticStr;

use bytes::Bytes;

use super::skip::SkipReason;

/// Nanoseconds on the monotonic clock since the probe [started](Recording::started_unix_nanos).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Offset(pub i64);

impl Offset {
    /// The time from `earlier` to `self`; zero where clock granularity makes it negative.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Seconds since the probe started.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // an offset is far below 2^53 ns (104 days)
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// One socket read, as both clocks saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Which socket read of the connection delivered the bytes; equal numbers arrived together.
    pub read: u32,
    /// When our task got the bytes.
    pub task: Offset,
    /// When the kernel received them, in nanoseconds since the Unix epoch. `None` where there are
    /// no kernel stamps (not Linux, an in-memory pipe).
    pub kernel: Option<i64>,
}

/// Body bytes that became available with one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes, without HTTP framing.
    pub bytes: Bytes,
    /// When they came.
    pub arrival: Arrival,
}

/// The response's status line and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// HTTP status code.
    pub status: u16,
    /// Header names (lower case) and values; values that are not UTF-8 are left out.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// How the connection came about. Each instant is the end of its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionPhases {
    /// `true` when an idle connection was used; then the phases are absent.
    pub reused: bool,
    /// Name resolution done.
    pub resolved: Option<Offset>,
    /// TCP connection established.
    pub connected: Option<Offset>,
    /// TLS handshake done; absent on plain HTTP.
    pub tls_done: Option<Offset>,
    /// `notAfter` of the server's certificate, Unix seconds; absent on plain HTTP.
    pub certificate_expiry: Option<i64>,
}

/// How the exchange ended, as the transport saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The response body ended as HTTP says it should.
    Complete,
    /// Name resolution failed.
    ResolveFailed(String),
    /// No TCP connection.
    ConnectFailed(String),
    /// TLS handshake failed.
    TlsFailed(String),
    /// The whole-request timeout passed.
    TimedOut,
    /// No content came within the time-out of the first token.
    FirstTokenTimedOut,
    /// No progress for the stall timeout in the middle of the answer.
    Stalled,
    /// The answer had finished, and what may follow it was not waited for any longer.
    TailTimedOut,
    /// The connection broke, or the body ended short of its framing.
    CutOff(String),
    /// What came is not HTTP.
    NotHttp(String),
    /// Headers or body exceeded their limit.
    TooLarge(String),
    /// The prober gave the probe up (shutdown, reload).
    Cancelled,
    /// The prober had no file descriptor left for a connection.
    NoDescriptor,
    /// The prober itself stood still for so long meanwhile (its process was stopped, its machine
    /// suspended, its thread starved) that nothing of the exchange says anything about the server.
    StoodStill(Duration),
    /// The workload's reader stopped reading, as it was configured to.
    ReaderStopped,
    /// A defect of the prober.
    Internal(String),
}

impl Ending {
    /// Why the probe counts as skipped though it was begun: the prober's own trouble has spoilt it.
    #[must_use]
    pub fn skipped(&self) -> Option<SkipReason> {
        match self {
            Self::NoDescriptor => Some(SkipReason::Prober),
            Self::StoodStill(_) => Some(SkipReason::Late),
            _ => None,
        }
    }
}

/// A (wall clock − monotonic clock) reading, taken at both ends of a probe, so that a step of the
/// wall clock in between is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockPair {
    /// Unix nanoseconds that correspond to offset 0, read when the probe started.
    pub unix_at_start: i64,
    /// The same, read when the probe ended.
    pub unix_at_end: i64,
}

/// A difference between the two readings of [`ClockPair`] above this is a clock step.
const CLOCK_STEP: i64 = 500_000;

/// Which clock a recording's arrivals are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum TimestampSource {
    /// The kernel's receive stamps.
    Kernel,
    /// The instant our task got the bytes.
    Task,
}

impl TimestampSource {
    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One probe, as bytes and instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Wall clock when the probe began (offset 0), nanoseconds since the Unix epoch.
    pub started_unix_nanos: i64,
    /// How long after its intended start the probe began.
    pub schedule_delay: Duration,
    /// Connection set-up.
    pub connection: ConnectionPhases,
    /// The server's address: the connection's, or the only one that was tried. `None` over a pipe.
    pub address: Option<SocketAddr>,
    /// First byte of the request handed to the kernel; absent when it never was.
    pub send: Option<Offset>,
    /// Last byte of the request handed to the kernel.
    pub sent: Option<Offset>,
    /// The read that brought the first byte of the response.
    pub first_byte: Option<Arrival>,
    /// Status and headers, when they were complete.
    pub head: Option<Head>,
    /// The body.
    pub chunks: Vec<Chunk>,
    /// The last read of the exchange: on a complete body, the one that brought its end.
    pub last_read: Option<Arrival>,
    /// When the exchange was over, on the task's clock.
    pub ended: Offset,
    /// How.
    pub ending: Ending,
    /// Both readings of the wall clock.
    pub clock: ClockPair,
}

impl Recording {
    /// An empty recording of a probe that begins now, when the wall clock says `unix_nanos`.
    #[must_use]
    pub fn begin(unix_nanos: i64) -> Self {
        Self {
            started_unix_nanos: unix_nanos,
            schedule_delay: Duration::ZERO,
            connection: ConnectionPhases::default(),
            address: None,
            send: None,
            sent: None,
            first_byte: None,
            head: None,
            chunks: Vec::new(),
            last_read: None,
            ended: Offset::default(),
            ending: Ending::Complete,
            clock: ClockPair { unix_at_start: unix_nanos, unix_at_end: unix_nanos },
        }
    }

    /// Kernel stamps if every arrival has one and the wall clock did not step, else task stamps:
    /// one source for the whole probe, so that no figure mixes clocks.
    #[must_use]
    pub fn timestamp_source(&self) -> TimestampSource {
        let stepped = (self.clock.unix_at_end - self.clock.unix_at_start).abs() > CLOCK_STEP;
        let mut arrivals =
            self.chunks.iter().map(|c| &c.arrival).chain(&self.first_byte).chain(&self.last_read);
        if !stepped && self.first_byte.is_some() && arrivals.all(|a| a.kernel.is_some()) {
            TimestampSource::Kernel
        } else {
            TimestampSource::Task
        }
    }

    /// When `arrival` happened, by the recording's clock source.
    #[must_use]
    pub fn at(&self, arrival: &Arrival, source: TimestampSource) -> Offset {
        match (source, arrival.kernel) {
            (TimestampSource::Kernel, Some(unix)) => Offset(unix - self.clock.unix_at_start),
            _ => arrival.task,
        }
    }
}
