use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Format, full_metrics};

/// `promtool`, where it is named, installed for the tests, or on the path.
fn promtool() -> Option<PathBuf> {
    let installed = std::env::var_os("LLM_PROBER_COUNTERPARTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.counterparts")),
        PathBuf::from,
    );
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = vec![installed.join("bin/promtool")];
    candidates.extend(std::env::split_paths(&path).map(|dir| dir.join("promtool")));
    match std::env::var_os("LLM_PROBER_PROMTOOL") {
        Some(named) => Some(PathBuf::from(named)),
        None => candidates.into_iter().find(|file| file.is_file()),
    }
}

#[test]
fn promtool_finds_nothing_to_say() {
    let Some(program) = promtool() else {
        eprintln!(
            "SKIPPED: no promtool, so `promtool check metrics` was NOT run; \
             set LLM_PROBER_PROMTOOL or LLM_PROBER_COUNTERPARTS"
        );
        return;
    };
    let mut child = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let body = full_metrics().encode(Format::ClassicText).unwrap();
    child.stdin.take().unwrap().write_all(&body).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "");
    assert!(output.status.success(), "{}", output.status);
}
