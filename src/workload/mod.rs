//! The weighted prompt mix: what to ask, how often, and what the answer must satisfy.

pub mod audio;
pub mod builtin;
pub mod captured;
pub mod judged;
mod kind;
pub mod mix;
pub mod prompt;
pub mod replay;
pub mod synthetic;
pub mod validator;

pub use captured::Captured;
pub use judged::{Judged, Part};
pub use kind::{Cancel, Conversation, LimitKey, Prefix, Rows, Tiles, Workload};
pub use mix::Mix;
pub use prompt::{Message, Prompt};
pub use validator::Validator;
