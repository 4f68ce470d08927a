//! A probe, written for programs and for people.

pub mod comparison;
pub mod comparison_table;
pub mod headers;
pub mod json;
pub mod unfinished;
pub mod waterfall;
