//! A probe, a comparison and a sweep, written for programs and for people.

pub mod check;
pub mod comparison;
pub mod comparison_table;
mod cost;
pub mod headers;
pub mod json;
pub mod sweep;
pub mod unfinished;
pub mod waterfall;
