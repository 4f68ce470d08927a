//! Prometheus' own tool for rules.

use std::path::Path;
use std::process::Command;

use super::counterparts::counterpart;

/// Runs promtool over these files, and fails with what it said unless it is content. Without the
/// program: as [`counterpart`].
pub fn promtool(arguments: &[&str], files: &[impl AsRef<Path>]) {
    let Some(promtool) = counterpart("promtool") else { return };
    let mut command = Command::new(promtool);
    command.args(arguments).args(files.iter().map(AsRef::as_ref));
    // A quarter of its time was garbage collection.
    let output = command.env("GOGC", "400").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}:\n{}", String::from_utf8_lossy(&said));
}

/// The unit tests of a file.
pub fn test_rules(file: impl AsRef<Path>) {
    promtool(&["test", "rules"], &[file]);
}
