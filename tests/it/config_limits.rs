//! What a configuration may not be: confidential in print, or large enough to do harm.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use llm_prober::config::{Config, MAX_FILE_BYTES};
use llm_prober::report::check;
use proptest::prelude::*;

/// Not all lower case: such a word may be shown where a key belongs, to point at a typing mistake.
const CONFIDENTIAL: &str = "Hush1";

/// Every place where a text of the user's could be confidential holds the same word.
const FULL: &str = "
workloads:
  chat:
    prompts: {inline: [Hush1 say hello, 'Hush1 {x}']}
    expect: {contains: Hush1, regex: 'Hush1+', min_output_tokens: 1}
  file: {prompts: {file: prompts.jsonl}}
slos:
  fast: {objective: 0.99, ttft: 1s, tokens_per_second: 20, workloads: [chat]}
targets:
  - name: bearer
    url: https://host/v1
    auth: {bearer_token_file: token}
    headers: {x-team: Hush1}
    extra_body: {temperature: 0, user: Hush1, list: [Hush1], map: {k: Hush1}}
    tls: {insecure_skip_verify: true}
    price: {input_per_million: 1, output_per_million: 2}
    budget: {dollars_per_day: 5}
  - {name: header, url: 'http://host/v1', auth: {header: {name: api-key, value_file: token}}}
";

fn load_full() -> Config {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "Hush1-token\n").unwrap();
    fs::write(folder.path().join("prompts.jsonl"), "Hush1, what is this?\n").unwrap();
    fs::write(folder.path().join("config.yml"), FULL).unwrap();
    Config::load(&folder.path().join("config.yml")).unwrap()
}

#[test]
fn nothing_confidential_is_printed() {
    let config = load_full();
    // The values did arrive where they are used.
    assert_eq!(config.targets[0].headers[0].1, CONFIDENTIAL);
    for text in [
        config.redacted().unwrap(),
        check::describe(&config),
        format!("{config:?} {config:#?}"),
        format!("{:?} {:#?}", config.targets, config.targets),
        format!("{:?}", config.targets[0].workloads),
        format!("{:?}", config.targets[0].auth),
    ] {
        assert!(!text.contains(CONFIDENTIAL), "{text}");
    }
    let page = config.redacted().unwrap();
    for shown in ["x-team: <secret>", "temperature: 0", "<2 not shown>", "/token", "api-key"] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
}

fn refused(text: &str) -> String {
    match Config::parse(text, Path::new("test.yml"), Path::new("")) {
        Ok(_) => panic!("must be refused"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn first_line(text: &str, expect: &str) {
    assert_eq!(refused(text).lines().next(), Some(expect));
}

const TARGET: &str = "targets: [{name: a, url: 'http://h/v1'}]\n";

#[test]
fn counts_are_limited() {
    let repeat = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "{}", line(i));
            text
        })
    };
    let targets = repeat(10_001, &|i| format!("  - {{name: t{i}, url: 'http://h/v1'}}"));
    let text = format!("targets:\n{targets}");
    first_line(&text, "test.yml:2:3: more than 10000 targets, expected at most 10000");
    let workloads = repeat(1_001, &|i| format!("  w{i}: {{prompts: {{inline: [a]}}}}"));
    let text = format!("workloads:\n{workloads}{TARGET}");
    first_line(&text, "test.yml:1002:3: 1001 workloads, expected at most 1000");
    let slos = repeat(101, &|i| format!("  s{i}: {{objective: 0.99, ttft: 1s}}"));
    let text = format!("slos:\n{slos}{TARGET}");
    first_line(&text, "test.yml:102:3: 101 slos, expected at most 100");
    let headers = repeat(65, &|i| format!("    x-h{i}: a"));
    let text = format!("targets:\n- name: a\n  url: http://h/v1\n  headers:\n{headers}");
    first_line(&text, "test.yml:5:5: 65 headers, expected at most 64");
    // One label each, so that only the union is too large.
    let labels = repeat(65, &|i| format!("- {{name: t{i}, url: 'http://h', labels: {{l{i}: x}}}}"));
    first_line(
        &format!("targets:\n{labels}"),
        "test.yml:66:41: more than 64 different label names over all targets, expected at most \
         64: every series carries all of them",
    );
}

/// What comes behind them is not even read: with all of it this takes time that nobody has at a reload.
#[test]
fn far_too_many_targets_are_refused_where_they_begin_to_be() {
    let mut text = String::from("targets:\n");
    for i in 0..10_001 {
        let _ = writeln!(text, "- {{name: t{i}, url: 'http://h/v1'}}");
    }
    text += "- {name: [";
    first_line(&text, "test.yml:2:3: more than 10000 targets, expected at most 10000");
}

#[test]
fn as_many_targets_as_allowed_do_load() {
    let mut text = String::from("targets:\n");
    for i in 0..10_000 {
        let _ = writeln!(text, "  - {{name: t{i}, url: 'http://h/v1', labels: {{node: n{i}}}}}");
    }
    let config = Config::parse(&text, Path::new("test.yml"), Path::new("")).unwrap();
    assert_eq!(config.targets.len(), 10_000);
}

#[test]
fn files_are_limited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.yml");
    let size = usize::try_from(MAX_FILE_BYTES).unwrap() + 1;
    fs::write(&file, vec![b'#'; size]).unwrap();
    let message = Config::load(&file).unwrap_err().to_string();
    let expect = format!("{}: larger than 16 MiB, the most that is read", file.display());
    assert_eq!(message, expect);

    fs::write(&file, [b'a', 0xff]).unwrap();
    let message = Config::load(&file).unwrap_err().to_string();
    assert_eq!(message, format!("{}:1:2: not UTF-8, expected text in UTF-8", file.display()));

    let missing = Config::load(Path::new("nowhere.yml")).unwrap_err().to_string();
    assert!(missing.starts_with("nowhere.yml: cannot read the configuration: "), "{missing}");
}

#[test]
fn deep_nesting_and_alias_bombs_are_refused() {
    assert!(refused(&"[".repeat(100_000)).starts_with("test.yml:1:"));
    let deep = format!("{}1{}", "{a: ".repeat(200), "}".repeat(200));
    refused(&format!("targets:\n- name: a\n  url: http://h/v1\n  extra_body: {deep}\n"));
    let mut bomb = String::from("targets:\n- name: a\n  url: http://h/v1\n  extra_body:\n");
    bomb.push_str("    a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for i in 1..10 {
        let refs = vec![format!("*a{}", i - 1); 10].join(", ");
        let _ = writeln!(bomb, "    a{i}: &a{i} [{refs}]");
    }
    refused(&bomb);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn garbage_is_refused_without_a_panic(text in "(?s).{0,200}") {
        let _ = Config::parse(&text, Path::new("test.yml"), Path::new(""));
    }

    /// Near misses reach deeper than noise: punctuation is put into a full file. No letters, which
    /// could move a text under a key whose value is shown on purpose.
    #[test]
    fn damaged_files_neither_panic_nor_leak(
        at in 0..FULL.len(),
        length in 0..3_usize,
        with in r#"[\[\]{}:,\-'"&*!|># \n\ta0]{0,6}"#,
    ) {
        let end = (at + length).min(FULL.len());
        let text = format!("{}{with}{}", &FULL[..at], &FULL[end..]);
        if let Err(error) = Config::parse(&text, Path::new("test.yml"), Path::new("")) {
            prop_assert!(!error.to_string().contains(CONFIDENTIAL), "{error}");
        }
    }
}
