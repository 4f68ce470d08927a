//! An answer, from its bytes to what it amounted to: what was recorded, the moments in it, the
//! figures made of them and what they are held against. Values and pure functions; none knows the
//! target.

pub mod deadline;
pub mod degenerate;
pub mod failure;
pub mod framing;
pub mod measure;
pub mod outcome;
pub mod rate_limit;
pub mod recording;
pub mod skip;
pub mod slo;
pub mod timeline;
