//! The pages for people: as HTML, and in a real browser against the real program.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

#[path = "../common/mod.rs"]
mod common;

mod assets;
mod beside;
mod html;
mod in_browser;
mod scene;
