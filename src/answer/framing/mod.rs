//! How a body is cut into frames: one file per framing. A dialect says which one its answers have,
//! and `decode` holds against it what the first bytes look like.

mod frame;
mod lines;
mod sse;

pub use frame::{FrameTooLarge, Framed, Framing};
pub use lines::LineParser;
pub use sse::SseParser;
