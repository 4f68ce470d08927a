//! A probe, written for programs and for people.

pub mod headers;
pub mod json;
pub mod waterfall;
