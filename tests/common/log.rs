//! What is logged in this thread, for assertions.
//!
//! One subscriber for the whole test program: with one per test, the library forgets events of
//! tests that run side by side.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Once;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

type Lines = Rc<RefCell<Vec<u8>>>;

thread_local! {
    static HEARD: RefCell<Option<(Level, Lines)>> = const { RefCell::new(None) };
}

/// Listens to this thread until dropped.
pub struct Log(Lines);

impl Log {
    /// Hears this level and the more severe ones.
    pub fn listen(level: Level) -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let heard = dynamic_filter_fn(|metadata, _| is_heard(metadata));
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Ear);
            tracing_subscriber::registry().with(lines.with_filter(heard)).init();
        });
        let lines = Lines::default();
        HEARD.set(Some((level, Rc::clone(&lines))));
        Self(lines)
    }

    /// The lines so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
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
        HEARD.with_borrow(|heard| {
            if let Some((_, lines)) = heard {
                lines.borrow_mut().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
