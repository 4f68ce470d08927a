//! A probe, written for programs and for people.

pub mod check;
pub mod comparison;
pub mod comparison_table;
mod cost;
pub mod headers;
pub mod json;
pub mod unfinished;
pub mod waterfall;
