//! How a body is cut into frames: one file per framing. A dialect says which one its answers have,
//! and `decode` holds against it what the first bytes look like.

mod aws_events;
mod frame;
mod lines;
mod sse;

pub use aws_events::{AwsEventParser, aws_message};
pub use frame::{FrameError, FrameTooLarge, Framed, Framing};
pub use lines::LineParser;
pub use sse::SseParser;
