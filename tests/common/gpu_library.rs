//! The library in the shape of NVIDIA's, compiled from `tests/it/gpu/nvml.c`, and its script.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What the compiled library is able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Everything.
    New,
    /// Without the functions that old drivers lack.
    #[allow(dead_code)] // the bench has no use for it
    Old,
    /// Without the functions that take events, and those that free things.
    #[allow(dead_code)] // as above
    Few,
}

/// The compiled library; compiled once.
pub fn library(age: Age) -> &'static Path {
    static COMPILED: OnceLock<[PathBuf; 3]> = OnceLock::new();
    let [new, old, few] = COMPILED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let kinds: [(&str, &[&str]); 3] = [("new", &[]), ("old", &["-DOLD"]), ("few", &["-DFEW"])];
        kinds.map(|(name, flags)| compile(folder, name, flags))
    });
    match age {
        Age::New => new,
        Age::Old => old,
        Age::Few => few,
    }
}

fn compile(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/gpu/nvml.c");
    // Of its own for each process: another may have loaded the one before.
    let target = folder.join(format!("libnvidia-ml-{name}-{}.so.1", std::process::id()));
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    compiler.args(flags).arg("-o").arg(&target).arg(source);
    let output = compiler.output().unwrap_or_else(|error| {
        panic!("expected a C compiler (`cc`, or $CC) to build {source}: {error}")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler:?}:\n{said}");
    target
}

/// Puts a script in force, in one step, as the library may read it at any time.
pub fn write_script(file: &Path, script: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, script).unwrap();
    std::fs::rename(new, file).unwrap();
}
