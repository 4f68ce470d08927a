//! Where the real programs are that tests talk to. `tests/run` installs them.

use std::path::{Path, PathBuf};

/// A program (`prometheus`, `promtool`, `llama-server`) or a model file by its name.
///
/// Without it: a loud skip (`None`), or a failure where `LLM_PROBER_REQUIRE_COUNTERPARTS=1`.
pub fn counterpart(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("LLM_PROBER_COUNTERPARTS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".counterparts"), PathBuf::from);
    let found = look_up(&root, name);
    if let Err(missing) = &found {
        assert!(!required(), "{missing}");
        skip(missing);
    }
    found.ok()
}

/// A program of the system, such as `openssl`; without it, as [`counterpart`].
pub fn on_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|p| p.is_file());
    if found.is_none() {
        let missing = format!("{name} is not on the PATH: run tests/run");
        assert!(!required(), "{missing}");
        skip(&missing);
    }
    found
}

fn required() -> bool {
    std::env::var("LLM_PROBER_REQUIRE_COUNTERPARTS").is_ok_and(|value| value == "1")
}

/// As [`counterpart`], in a given folder; the error says what is missing where.
pub fn look_up(root: &Path, name: &str) -> Result<PathBuf, String> {
    let mut places =
        ["bin", "lib", "models"].map(|folder| root.join(folder).join(name)).into_iter();
    places
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{name} is not installed in {}: run tests/run", root.display()))
}

/// Past the test harness, which shows what passing tests print to nobody.
fn skip(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {why}");
}
