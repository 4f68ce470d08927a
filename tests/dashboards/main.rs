//! What must hold for each of the dashboards of `dashboards/`.
//!
//! `cargo xtask dashboards` writes them from the descriptions in `xtask/src/dashboards/`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

mod expressions;
mod files;
mod layout;
mod linted;
mod live;
mod names;
mod rig;
mod rules;
mod selectors;
mod together;

#[path = "../common/mod.rs"]
mod common;
