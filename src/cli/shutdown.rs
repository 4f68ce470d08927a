//! Signals from outside.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

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

/// From the signal that asks the daemon to end until it has ended, at most.
const LONGEST_END: Duration = Duration::from_millis(9500);

/// What the daemon is asked from outside: to end (SIGINT, SIGTERM) and to read its configuration
/// again (SIGHUP).
///
/// Listened to on a thread of its own, whose runtime does nothing else. Whatever hangs (a disk, a
/// configuration that is a pipe, a resolver, standard error), the process ends [`LONGEST_END`] after
/// it was asked to.
#[derive(Clone)]
pub struct Signals {
    /// Cancelled when the process is asked to end.
    pub end: CancellationToken,
    reload: Arc<Notify>,
}

impl Signals {
    /// Starts to listen. From now on no signal ends the process by itself.
    ///
    /// # Errors
    /// When the system refuses a thread, an event queue or a handler.
    pub fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listening = {
            let _within = runtime.enter();
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [interrupt, terminate, hangup] = kinds.map(signal);
            (interrupt?, terminate?, hangup?)
        };
        let signals = Self { end: CancellationToken::new(), reload: Arc::default() };
        let told = signals.clone();
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || runtime.block_on(told.follow(listening)))?;
        Ok(signals)
    }

    /// Resolves when a reload is asked for; requests while nobody waits are one.
    pub async fn reload(&self) {
        self.reload.notified().await;
    }

    async fn follow(self, (mut interrupt, mut terminate, mut hangup): (Signal, Signal, Signal)) {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => self.reload.notify_one(),
            }
        }
        self.end.cancel();
        tokio::time::sleep(LONGEST_END).await;
        // On a thread of its own: the log may be what hangs.
        let told = std::thread::Builder::new().spawn(|| {
            tracing::error!("the end takes longer than 10 s: something hangs and is given up");
        });
        if told.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::process::exit(1);
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
