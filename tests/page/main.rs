//! The pages for people: as HTML, and in a real browser against the real program.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)] // no script is needed here
#[path = "../gpu/library.rs"]
mod library;

mod assets;
mod beside;
mod html;
mod in_browser;
mod scene;
