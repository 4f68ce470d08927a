//! A probe, written for programs and for people.

pub mod json;
pub mod waterfall;
