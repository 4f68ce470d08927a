//! What is logged in this thread, for assertions.
//!
//! One subscriber for the whole test program: with one per test, the library forgets events of
//! tests that run side by side.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

thread_local! {
    static HEARD: RefCell<Option<(Level, Vec<u8>)>> = const { RefCell::new(None) };
}

/// Listens to this thread until dropped.
pub struct Log(());

impl Log {
    /// Hears this level and the more severe ones.
    pub fn listen(level: Level) -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let heard = dynamic_filter_fn(|metadata, _| is_heard(metadata));
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Ear);
            tracing_subscriber::registry().with(lines.with_filter(heard)).init();
        });
        HEARD.set(Some((level, Vec::new())));
        Self(())
    }

    /// The lines so far.
    pub fn text(&self) -> String {
        let bytes = HEARD.with_borrow(|heard| heard.as_ref().map(|(_, bytes)| bytes.clone()));
        String::from_utf8(bytes.unwrap_or_default()).unwrap()
    }

    /// How many lines hold this text.
    pub fn count(&self, part: &str) -> usize {
        self.text().lines().filter(|line| line.contains(part)).count()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}

fn is_heard(metadata: &Metadata<'_>) -> bool {
    HEARD.with_borrow(|heard| heard.as_ref().is_some_and(|(level, _)| metadata.level() <= level))
}

/// Writes to the thread's own lines.
struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| {
            if let Some((_, lines)) = heard {
                lines.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
