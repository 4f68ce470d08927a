//! The dashboards of `dashboards/`: what they are made of, and what must hold for each of them.
//!
//! The files are written by `UPDATE_EXPECT=1 cargo test --test dashboards`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

// What they are made of.
mod frame;
mod overview;
mod panel;
mod promql;

// What must hold.
mod files;
mod layout;

/// Every dashboard, in the order of the way from the whole to the detail.
fn all() -> Vec<frame::Dashboard> {
    vec![overview::dashboard()]
}
