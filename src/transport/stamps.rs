//! The notebook of one connection: when its socket was written and read, by both clocks.
//!
//! The stream writes, the exchange reads; both run in one task, so the lock is never contended.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::answer::recording::{Arrival, Offset};

/// Shared between a connection's stream and the exchange that uses it.
#[derive(Debug, Clone)]
pub(super) struct Stamps(Arc<Mutex<Notes>>);

#[derive(Debug)]
struct Notes {
    epoch: Instant,
    awaiting_send: bool,
    noted: Noted,
}

/// What was noted since the exchange began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Noted {
    /// Before the first write of the request.
    pub send: Option<Offset>,
    /// After the latest write.
    pub sent: Option<Offset>,
    /// The read that brought the response's first byte.
    pub first_byte: Option<Arrival>,
    /// The latest read of the socket.
    pub last_read: Option<Arrival>,
}

impl Stamps {
    pub fn new(epoch: Instant) -> Self {
        let notes = Notes { epoch, awaiting_send: false, noted: Noted::default() };
        Self(Arc::new(Mutex::new(notes)))
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock()
    }

    /// Starts a new exchange on the connection: forgets the old notes, counts from `epoch`.
    pub fn begin(&self, epoch: Instant) {
        *self.notes() = Notes { epoch, awaiting_send: true, noted: Noted::default() };
    }

    pub fn noted(&self) -> Noted {
        self.notes().noted
    }

    /// Called right before bytes go to the kernel. Only the first write of a request counts.
    pub fn before_write(&self) {
        let mut notes = self.notes();
        if notes.awaiting_send {
            notes.noted.send = Some(since(notes.epoch));
            notes.awaiting_send = false;
        }
    }

    /// Called when the kernel has taken bytes.
    pub fn after_write(&self) {
        let mut notes = self.notes();
        notes.noted.sent = Some(since(notes.epoch));
    }

    /// Called when bytes came out of the socket.
    pub fn read(&self, kernel: Option<i64>) {
        let mut notes = self.notes();
        let read = notes.noted.last_read.map_or(0, |a| a.read.wrapping_add(1));
        notes.noted.last_read = Some(Arrival { read, task: since(notes.epoch), kernel });
    }

    /// Called when the reader above TLS got bytes: its first ones are the response's first byte,
    /// and the socket read that carried them is the latest.
    pub fn plaintext_read(&self) {
        let mut notes = self.notes();
        if notes.noted.first_byte.is_none() && !notes.awaiting_send {
            notes.noted.first_byte = notes.noted.last_read;
        }
    }
}

/// Time since `epoch` on the monotonic clock.
pub(super) fn since(epoch: Instant) -> Offset {
    let nanos = Instant::now().saturating_duration_since(epoch).as_nanos();
    Offset(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The wall clock reading that corresponds to `epoch`: the tightest of a few paired readings, so
/// that being interrupted between the two clocks does not matter.
pub(super) fn unix_at(epoch: Instant) -> i64 {
    const READINGS: usize = 3;
    let pair = || {
        let before = since(epoch).0;
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let after = since(epoch).0;
        let unix = i64::try_from(unix).unwrap_or(i64::MAX);
        (after - before, unix.saturating_sub(i64::midpoint(before, after)))
    };
    let tightest = (0..READINGS).map(|_| pair()).min_by_key(|(width, _)| *width);
    tightest.map_or(0, |(_, unix)| unix)
}
