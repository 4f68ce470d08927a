//! Signals from outside.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves when the process is asked to end (SIGINT or SIGTERM). Listens from the call on, not
/// from the first poll, so that a request during the start is heard; needs a runtime around it.
pub fn requested() -> impl Future<Output = ()> {
    let (mut interrupt, mut terminate) =
        (stream(SignalKind::interrupt()), stream(SignalKind::terminate()));
    async move {
        tokio::select! {
            () = next(&mut interrupt) => {}
            () = next(&mut terminate) => {}
        }
    }
}

/// The signal that asks for a reload (SIGHUP), as a stream of requests.
pub struct Reloads(Option<Signal>);

impl Reloads {
    /// Starts to listen; SIGHUP no longer ends the process.
    #[must_use]
    pub fn listen() -> Self {
        Self(stream(SignalKind::hangup()))
    }

    /// Resolves at the next request.
    pub async fn next(&mut self) {
        next(&mut self.0).await;
    }
}

fn stream(kind: SignalKind) -> Option<Signal> {
    let stream = signal(kind);
    if let Err(error) = &stream {
        tracing::warn!(%error, "a signal cannot be listened to");
    }
    stream.ok()
}

/// Never resolves for a signal that cannot be listened to.
async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
