//! Configuration files: the wrong ones with their exact messages, the right ones with what they
//! resolve to. Run with `UPDATE_EXPECT=1` to rewrite the messages, then read the difference.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;
use llm_prober::config::Config;
use llm_prober::report::check;
use llm_prober::target::schedule::Arrival;
use llm_prober::target::secret::Secret;
use llm_prober::target::{Auth, ConnectionMode};

/// Every `tests/config/NAME.yml` is refused, with exactly the text in `NAME.err`.
#[test]
fn every_wrong_file_has_its_message() {
    let mut checked = 0;
    for file in yaml_files("tests/config") {
        let expected = file.with_extension("err");
        let message = match Config::load(&file) {
            Ok(_) => panic!("{} loads, but must be refused", file.display()),
            Err(error) => format!("{error}\n"),
        };
        for confidential in ["nobody", "must see", "not-a-real-secret", "Not-A-Real-Secret"] {
            assert!(!message.contains(confidential), "{}: {message}", file.display());
        }
        expect_file![absolute(&expected)].assert_eq(&message);
        checked += 1;
    }
    assert!(checked > 100, "only {checked} files found");
}

/// A message file without its configuration would never be looked at.
#[test]
fn no_message_without_its_file() {
    let folder = std::fs::read_dir("tests/config").unwrap();
    let messages = folder.map(|e| e.unwrap().path()).filter(|p| has_extension(p, "err"));
    for message in messages {
        assert!(message.with_extension("yml").exists(), "{}", message.display());
    }
}

/// The examples; the simulator's file is of another kind.
fn shipped_files() -> Vec<PathBuf> {
    let mut files = yaml_files("config");
    files.retain(|file| !file.ends_with("simulator.yml"));
    files
}

#[test]
fn the_shipped_files_load() {
    let files = shipped_files();
    assert!(files.len() >= 3);
    for file in files {
        if let Err(error) = Config::load(&file) {
            panic!("{error}");
        }
    }
}

#[test]
fn the_minimal_file_has_the_documented_defaults() {
    let config = Config::load(Path::new("config/minimal.yml")).unwrap();
    let target = &config.targets[0];
    assert_eq!((target.dialect.name(), target.stream), ("openai-chat", true));
    assert_eq!(target.schedule.interval, Duration::from_secs(15));
    assert_eq!(target.schedule.arrival, Arrival::Poisson);
    assert_eq!(target.limits.timeout, Duration::from_secs(60));
    assert_eq!(target.limits.stall_timeout, Duration::from_secs(20));
    assert_eq!((target.max_in_flight, target.connection), (4, ConnectionMode::Reuse));
    let workloads: Vec<_> = target.workloads.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(workloads, ["short", "context"]);
    assert_eq!(target.slos.len(), 1);
    assert_eq!((target.slos[0].name.as_str(), target.slos[0].objective), ("interactive", 0.99));
    assert_eq!((config.seed, config.label_keys.len()), (None, 0));
}

#[test]
fn the_example_resolves_to_what_it_says() {
    let config = Config::load(Path::new("config/llm-prober.example.yml")).unwrap();
    expect_file![absolute(Path::new("tests/config/example.check"))]
        .assert_eq(&check::describe(&config));
    expect_file![absolute(Path::new("tests/config/example.redacted"))]
        .assert_eq(&config.redacted().unwrap());
    assert_eq!(config.label_keys, ["node", "stack"]);
    let [prod, next] = config.targets.as_slice() else { panic!("two targets") };
    assert_eq!(next.schedule.interval, Duration::from_secs(30));
    assert_eq!(next.workloads.len(), 3);
    // Shared, not copied for each target.
    assert!(Arc::ptr_eq(&prod.workloads[0], &next.workloads[0]));
    assert!(Arc::ptr_eq(&prod.slos[0], &next.slos[0]));
}

#[test]
fn two_loads_of_one_file_are_equal() {
    for file in shipped_files() {
        let load = || Config::load(&file).unwrap();
        assert!(load() == load(), "{}", file.display());
    }
}

#[test]
fn a_target_overrides_defaults() {
    let config = parse(
        "seed: 7\ndefaults: {interval: 1m, arrival: constant, connection: fresh, slos: []}\n\
         targets:\n  - {name: a, url: 'http://h/v1'}\n\
         \x20 - {name: b, url: 'http://h/v1', interval: 2s, arrival: {gamma: {shape: 0.5}},\n\
         \x20    connection: reuse, slos: [interactive], timeout: 5s}\n",
    );
    let [a, b] = config.targets.as_slice() else { panic!("two targets") };
    assert_eq!(a.schedule.interval, Duration::from_secs(60));
    assert_eq!((a.schedule.arrival, a.connection), (Arrival::Constant, ConnectionMode::Fresh));
    assert!(a.slos.is_empty());
    assert_eq!(b.schedule.interval, Duration::from_secs(2));
    assert_eq!(b.schedule.arrival, Arrival::Gamma { shape: 0.5 });
    assert_eq!((b.connection, b.slos.len()), (ConnectionMode::Reuse, 1));
    // The default stall timeout gives way to a short timeout.
    assert_eq!(b.limits.stall_timeout, Duration::from_secs(5));
    assert_eq!(config.seed, Some(7));
}

#[test]
fn the_quick_start_probes_the_given_simulator() {
    let url = "http://127.0.0.1:45678/v1".parse().unwrap();
    let config = Config::quick_start(&url).unwrap();
    let [target] = config.targets.as_slice() else { panic!("one target") };
    assert_eq!(target.url, url);
    assert!(target.schedule.interval <= Duration::from_secs(1));
    assert_eq!((target.workloads.len(), target.slos.len()), (2, 1));
    assert!(config.redacted().unwrap().contains("http://127.0.0.1:45678/v1"));
}

/// A tokenizer of two words, an authority, a secret from the environment.
#[test]
fn what_a_target_refers_to_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "words.json",
        r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
            "decoder": null,
            "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "a"}}"#,
    );
    let authority = rcgen::generate_simple_self_signed(["host".to_owned()]).unwrap();
    write("ca.pem", &authority.cert.pem());
    write(
        "config.yml",
        "tokenizers: {words: {file: words.json}}\n\
         targets:\n- {name: a, url: 'https://h/v1', tokenizer: words, tls: {ca_file: ca.pem},\n\
         \x20  auth: {bearer_token_env: PATH}}\n",
    );
    let load = || Config::load(&folder.path().join("config.yml")).unwrap();
    let config = load();
    let target = &config.targets[0];
    assert_eq!(target.tokenizer.as_ref().and_then(|t| t.count("a b b")), Some(3));
    assert_eq!(target.tls.ca_file, Some(folder.path().join("ca.pem")));
    assert_eq!(target.auth, Some(Auth::Bearer(Secret::Env("PATH".to_owned()))));
    assert!(config == load(), "tokenizers compare by file");
}

/// Reload compares configurations: what changes must not compare equal.
#[test]
fn a_changed_target_is_noticed() {
    let text =
        |interval| format!("targets: [{{name: a, url: 'http://h/v1', interval: {interval}}}]");
    assert!(parse(&text("5s")).targets == parse(&text("5s")).targets);
    assert!(parse(&text("5s")).targets != parse(&text("6s")).targets);
}

#[test]
fn recorded_arrivals_come_instead_of_an_interval() {
    let text = "workloads: {w: {prompts: {requests: tests/config/files/requests_chat.jsonl}}}\n\
         targets:\n- {name: a, url: 'http://h/v1'}\n- {name: b, url: 'http://h/v1'}\n\
         comparisons: [{name: c, baseline: a, candidate: b, arrivals: recorded, speed: 0.25}]\n";
    let config = parse(text);
    let comparison = &config.comparisons[0];
    assert_eq!(comparison.timing.interval(), Duration::from_secs(2), "half a second, slowed down");
    let shown = config.redacted().unwrap();
    assert!(shown.contains("  arrivals: recorded\n  speed: 0.25\n  order:"), "{shown}");
    let described = check::describe(&config);
    let expect = "rounds     43200 per day as recorded, at speed 0.25, each with";
    assert!(described.contains(expect), "{described}");
    assert!(parse(text).comparisons == config.comparisons);
    assert!(parse(&text.replace("0.25", "0.5")).comparisons != config.comparisons);
}

fn parse(text: &str) -> Config {
    match Config::parse(text, Path::new("test.yml"), Path::new("")) {
        Ok(config) => config,
        Err(error) => panic!("{error}"),
    }
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<_> = entries.filter(|p| has_extension(p, "yml")).collect();
    files.sort();
    files
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

fn absolute(path: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn server_metrics_are_a_url_or_a_path_alone_or_a_mapping() {
    let config = parse(
        "targets:\n  - {name: a, url: 'https://h:8000/v1', server_metrics: /metrics}\n\
         \x20 - {name: b, url: 'http://h/v1', server_metrics: 'http://worker:8081/metrics'}\n\
         \x20 - name: c\n    url: http://h/v1\n    server_metrics: {url: /prometheus, model: m,\
         \x20labels: {engine: '0'}, timeout: 250ms, auth: {bearer_token_env: PATH}}\n\
         \x20 - {name: d, url: 'http://h/v1'}\n",
    );
    let [a, b, c, d] = config.targets.as_slice() else { panic!("four targets") };
    let source = |t: &Arc<llm_prober::target::Target>| t.server_metrics.clone().unwrap();
    let (a, b, c) = (source(a), source(b), source(c));
    assert_eq!(a.url.as_str(), "https://h:8000/metrics");
    assert_eq!((a.model, a.auth, a.timeout), (None, None, Duration::from_secs(1)));
    assert_eq!(b.url.as_str(), "http://worker:8081/metrics");
    assert_eq!((c.url.as_str(), c.model.as_deref()), ("http://h/prometheus", Some("m")));
    assert_eq!((c.labels["engine"].as_str(), c.timeout), ("0", Duration::from_millis(250)));
    assert_eq!(c.auth, Some(Auth::Bearer(Secret::Env("PATH".to_owned()))));
    assert!(d.server_metrics.is_none());
    let shown = config.redacted().unwrap();
    assert!(shown.contains("bearer_token_env: PATH"), "{shown}");
}

/// Reasoning models spend a small limit before they come to the answer.
#[test]
fn a_small_limit_for_a_reasoning_model_is_worth_a_warning() {
    let warned = |model: &str, workload: &str| {
        let config = parse(&format!(
            "workloads: {{w: {{prompts: {{inline: [hi]}}{workload}}}}}\n\
             targets: [{{name: a, url: 'http://h/v1', model: {model}}}]\n"
        ));
        check::describe(&config).contains("reasons before it answers: workload w's")
    };
    for model in ["gpt-5", "gpt-5-mini", "openai/o3-mini", "o1", "deepseek-r1"] {
        assert!(warned(model, ", max_output_tokens: 64"), "{model}");
        assert!(!warned(model, ", max_output_tokens: 1000"), "{model}");
        assert!(!warned(model, ", extra_body: {reasoning_effort: low}"), "{model}");
    }
    for model in ["gpt-4o", "gpt-50", "llama-o1x", "o100"] {
        assert!(!warned(model, ""), "{model}");
    }
}

#[test]
fn a_query_is_kept_and_keys_in_it_are_not_shown() {
    let config = parse(
        "targets: [{name: a, url: 'https://h/d?api-version=2024-10-21&code=hush', model: m}]",
    );
    let target = &config.targets[0];
    let endpoint = llm_prober::target::request::endpoint(target, "m");
    assert_eq!(endpoint.as_str(), "https://h/d/chat/completions?api-version=2024-10-21&code=hush");
    for shown in [config.redacted().unwrap(), check::describe(&config)] {
        assert!(shown.contains("https://h/d?api-version=2024-10-21&code=<secret>"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
