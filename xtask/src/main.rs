//! `cargo xtask`: what those who work on this repository run now and then.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a mistake in a tool ends it, and says where

mod dashboards;

use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  dashboards  write dashboards/*.json from their descriptions in xtask/src/dashboards/
  pages       write what is generated: pages of docs/, the list of metrics, the JSON Schema
  check       everything that must hold before a change is merged (.ci/run)
";

/// The tests that write the pages when `UPDATE_EXPECT` is set.
const PAGES: [&[&str]; 2] = [
    &["test", "--lib", "--", "metrics::tests::golden", "metrics::tests::reference"],
    &["test", "--test", "it", "--", "documentation", "config_keys"],
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above xtask");
    let done = match arguments[..] {
        ["dashboards"] => {
            dashboards::write(&root.join("dashboards"));
            true
        }
        ["pages"] => PAGES.iter().all(|arguments| {
            let cargo = std::env::var_os("CARGO").expect("cargo to name itself");
            run(Command::new(cargo).args(*arguments).env("UPDATE_EXPECT", "1"), root)
        }),
        ["check"] => run(&mut Command::new(".ci/run"), root),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(command: &mut Command, root: &Path) -> bool {
    command.current_dir(root).status().expect("a program that starts").success()
}
