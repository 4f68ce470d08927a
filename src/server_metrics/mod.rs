//! What the inference server itself says about its load, read from its metrics page right before
//! a probe is sent and right after it ended.
//!
//! ```text
//! fetch ─► exposition ─► page ─► engine ─► Sample ─┐
//!  GET      lines        chosen   names    one      ├─► view ─► metrics
//!                        series            naming   │   load at send, alone, parts of TTFT
//! observer: when ──────────────────────────────────┘
//! ```
//! - Beside the measured path, never on it: other connections, and a page that is slow or hangs
//!   delays at most one probe, by [`SEND_LIMIT`].
//! - What a page does not say is `None`. A version with other names degrades to absent figures and
//!   one line in the log.
//! - One engine, one file, one line in [`ENGINES`].

mod alone;
mod body;
mod chosen;
mod engine;
mod exposition;
mod fetch;
mod notices;
mod observer;
mod page;
mod parts;
mod problem;
mod sample;
mod view;

pub use alone::alone;
pub use chosen::Selector;
pub use engine::{ENGINES, Engine};
pub use observer::{Around, Look, Observer, SEND_LIMIT};
pub use page::Page;
pub use parts::{TtftPart, split};
pub use problem::Problem;
pub use sample::{Sample, Totals};
pub use view::ServerView;
