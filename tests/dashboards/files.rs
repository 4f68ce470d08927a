//! The committed files are what the descriptions say, and nothing else lies beside them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::all;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/dashboards"))
}

/// Every committed dashboard with its file name.
pub fn committed() -> Vec<(String, Value)> {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let json =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path.file_name().unwrap().to_string_lossy().into_owned(), json)
    };
    files.iter().map(read).collect()
}

#[test]
fn the_files_are_what_the_descriptions_say() {
    for dashboard in all() {
        let file = folder().join(format!("llm-prober-{}.json", dashboard.name));
        let text = serde_json::to_string_pretty(&dashboard.json()).unwrap() + "\n";
        expect_test::expect_file![file].assert_eq(&text);
    }
    let described: BTreeSet<_> =
        all().iter().map(|d| format!("llm-prober-{}.json", d.name)).collect();
    let found: BTreeSet<_> = committed().into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, described);
}
