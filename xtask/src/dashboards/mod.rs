//! The dashboards of `dashboards/`: one description for each, and what they are made of.
//!
//! `cargo xtask dashboards` writes the files; what must hold for them is in `tests/dashboards/`.

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
mod sweeps;
mod target;
mod target_ends;
mod verdicts;

use std::path::Path;

/// Every dashboard, in the order of the way from the whole to the detail.
fn all() -> [frame::Dashboard; 6] {
    [
        overview::dashboard(),
        target::dashboard(),
        compare::dashboard(),
        gpu_and_server::dashboard(),
        sweeps::dashboard(),
        prober::dashboard(),
    ]
}

/// Every file: its name and what is in it.
fn files() -> impl Iterator<Item = (String, String)> {
    all().into_iter().map(|dashboard| {
        let text = serde_json::to_string_pretty(&dashboard.json()).expect("JSON") + "\n";
        (format!("llm-prober-{}.json", dashboard.name), text)
    })
}

/// Writes every file into `folder`.
pub fn write(folder: &Path) {
    for (name, text) in files() {
        std::fs::write(folder.join(name), text).expect("a folder that can be written to");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_files_are_what_the_descriptions_say() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards"));
        let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let found = found.filter(|path| path.extension().is_some_and(|end| end == "json"));
        let read = |path: std::path::PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), text)
        };
        let (found, described): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (found.map(read).collect(), files().collect());
        assert!(found.keys().eq(described.keys()), "{:?}, {:?}", found.keys(), described.keys());
        for (name, text) in described {
            assert!(found[&name] == text, "{name} is out of date: run `cargo xtask dashboards`");
        }
    }
}
