//! The dashboards of `dashboards/`: what they are made of, and what must hold for each of them.
//!
//! The files are written by `UPDATE_EXPECT=1 cargo test --test dashboards`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

// What they are made of.
mod change;
mod compare;
mod frame;
mod gpu;
mod gpu_and_server;
mod overview;
mod panel;
mod prober;
mod promql;
mod shared;
mod sides;
mod target;
mod target_ends;
mod verdicts;

// What must hold.
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

/// Every dashboard, in the order of the way from the whole to the detail.
fn all() -> Vec<frame::Dashboard> {
    vec![
        overview::dashboard(),
        target::dashboard(),
        compare::dashboard(),
        gpu_and_server::dashboard(),
        prober::dashboard(),
    ]
}
