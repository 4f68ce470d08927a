//! What is written from the keys of the configuration: the schema for editors, and the reference
//! page. Run with `UPDATE_EXPECT=1` to rewrite both.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect_file;
use llm_prober::config::keys::{json_schema, reference};
use serde_json::Value;

#[test]
fn the_schema_is_the_one_of_this_program() {
    expect_file!["../../config/schema.json"].assert_eq(&json_schema());
}

#[test]
fn the_reference_page_is_the_one_of_this_program() {
    expect_file!["../../docs/configuration.md"].assert_eq(&reference());
}

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

fn yaml(file: &Path) -> Option<Value> {
    serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).ok()
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|e| e == "yml")).collect()
}

/// The simulator's file is of another kind.
#[test]
fn the_schema_takes_the_examples_and_each_of_them_names_it() {
    let schema = schema();
    let mut files = yaml_files("config");
    files.retain(|file| !file.ends_with("simulator.yml"));
    assert!(files.len() >= 3);
    for file in files {
        let content = yaml(&file).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&content).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", file.display());
        let text = std::fs::read_to_string(&file).unwrap();
        let named = "# yaml-language-server: $schema=schema.json\n";
        assert!(text.starts_with(named), "{}", file.display());
    }
}

/// What is wrong by its form alone is wrong for an editor, too.
#[test]
fn the_schema_refuses_what_is_wrong_by_its_form() {
    const BY_FORM: [&str; 24] = [
        "addresses_word",
        "change_detection_tolerance_of_unknown_signal",
        "change_detection_tolerance_without_percent",
        "change_detection_unknown_key",
        "comparison_order_unknown",
        "comparison_unknown_key",
        "comparison_without_candidate",
        "expect_tool_call_unknown_key",
        "gpu_enabled_word",
        "gpu_unknown_key",
        "interval_without_unit",
        "limit_key_unknown",
        "max_in_flight_zero",
        "max_output_tokens_zero",
        "missing_name",
        "missing_prompts",
        "missing_url",
        "not_a_mapping",
        "prefix_unknown",
        "price_incomplete",
        "prompts_unknown_kind",
        "server_metrics_unknown_key",
        "unknown_api",
        "unknown_key_target",
    ];
    let schema = schema();
    for name in BY_FORM {
        let content = yaml(&Path::new("tests/config").join(name).with_extension("yml")).unwrap();
        assert!(!schema.is_valid(&content), "{name}");
    }
}

/// The compiler's own words on a mapping of keys, as far as the macro is concerned.
fn compiled(key: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let declare = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/keys/declare.rs");
    // The file's own comment cannot stand amid a program.
    let macros = std::fs::read_to_string(declare).unwrap().replace("//!", "//");
    let program = format!("{macros}\nkeys! {{ struct Tls {{ {key} }} }}\nfn main() {{}}\n");
    std::fs::write(folder.path().join("main.rs"), program).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--emit", "metadata", "main.rs"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_key_that_does_not_say_whether_it_is_shown_does_not_compile() {
    let refused = |key: &str| compiled(key).contains("no rules expected");
    assert!(!refused("/// Help.\n name: u8 => shown,"));
    assert!(!refused("/// Help.\n name: u8 => masked.default(1).range(1..=2),"));
    assert!(refused("/// Help.\n name: u8,"), "not a word on whether it is shown");
    assert!(refused("/// Help.\n name: u8 => .default(1),"), "only its default");
    assert!(refused("name: u8 => shown,"), "no help");
}
