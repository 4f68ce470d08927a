//! No secret, no prompt and no answer in anything the daemon emits at info level: successes,
//! every failure a server can provoke, and reloads of broken files, all with marked texts.

use reqwest::Method;
use serde_json::Value;

use crate::common::daemon::{Answer, Program};
use crate::common::eventually::eventually;
use crate::common::exposition::Exposition;
use crate::daemon::Folder;
use crate::daemon::echo::{EXPECTED, Echo};

/// In every marked text; looked for whatever its case.
const NEEDLE: &str = "zq7x";

/// Targets by the way their server answers, what is counted then, and further settings.
const TARGETS: [(&str, &str, &str); 27] = [
    ("answered", "", ""),
    ("listed", "", ""),
    ("whole", "", "stream: false, "),
    ("rejected", "validation", ""),
    ("status", "http_status", ""),
    ("throttled", "throttled", ""),
    ("moved", "http_status", ""),
    ("error-event", "error_event", ""),
    ("error-line", "error_event", ""),
    ("aborted", "error_event", ""),
    ("html", "malformed", ""),
    ("not-json", "malformed", ""),
    ("wrong-type", "malformed", ""),
    ("empty", "empty", ""),
    ("no-finish", "truncated", ""),
    ("cut", "truncated", ""),
    ("mid-json", "truncated", ""),
    ("silent", "stalled", "stall_timeout: 200ms, "),
    ("slow", "timeout", "timeout: 300ms, stall_timeout: 300ms, "),
    ("large", "too_large", "max_body_size: 1KiB, "),
    ("large-head", "too_large", ""),
    ("garbage", "malformed", ""),
    ("tls", "tls", ""),
    ("models-status", "http_status", ""),
    ("models-html", "malformed", ""),
    ("revoked", "internal", ""),
    ("spoiled", "internal", ""),
];

/// What the server must have been sent, or the test proves nothing.
const SENT: [&str; 9] = [
    "Zq7XTokenFile",
    "Zq7XTokenEnv",
    "Zq7XHeaderFile",
    "Zq7XHeaderEnv",
    "Zq7XSession",
    "Zq7XExtra",
    "Zq7XPrompt",
    "Zq7XMessage",
    "Zq7XCaptured",
];

const ENVIRONMENT: [(&str, &str); 2] =
    [("LLM_TOKEN", "sk-Zq7XTokenEnv-01"), ("LLM_KEY", "sk-Zq7XHeaderEnv-02")];

fn folder(echo: &Echo) -> Folder {
    let folder = Folder::new();
    folder.write("token", "sk-Zq7XTokenFile-03\n");
    folder.write("key", "sk-Zq7XHeaderFile-04");
    folder.write("revoked", "sk-Zq7XRevoked-05");
    folder.write("spoiled", "sk-Zq7XSpoiled-06");
    let messages = r#"{"messages": [{"role": "system", "content": "Zq7XMessage"},
        {"role": "user", "content": "Zq7XMessage says hello"}]}"#;
    folder.write("prompts.jsonl", &messages.replace('\n', " "));
    let captured = r#"{"messages": [{"role": "user", "content": "Zq7XCaptured"}]}"#;
    folder.write("captured.jsonl", captured);
    folder.write("llm-prober.yml", &config(echo));
    folder
}

fn config(echo: &Echo) -> String {
    let auths = [
        "{bearer_token_file: token}",
        "{bearer_token_env: LLM_TOKEN}",
        "{header: {name: x-key, value_file: key}}",
        "{header: {name: x-key, value_env: LLM_KEY}}",
    ];
    let lines = TARGETS.iter().enumerate().map(|(index, (name, _, settings))| {
        let auth = match *name {
            "revoked" | "spoiled" => format!("{{bearer_token_file: {name}}}"),
            _ => auths[index % auths.len()].to_owned(),
        };
        let asks = ["listed", "models-status", "models-html"].contains(name);
        let model = if asks { "" } else { "model: m, " };
        let scheme = if *name == "tls" { "https" } else { "http" };
        format!(
            "  - {{name: {name}, url: '{scheme}://{}/{name}/v1', {model}{settings}auth: {auth}, \
             headers: {{x-session: Zq7XSession}}, extra_body: {{user: Zq7XExtra}}}}\n",
            echo.address
        )
    });
    format!(
        "defaults: {{interval: 250ms, timeout: 20s, stall_timeout: 10s}}\n\
         workloads:\n  \
           inline: {{prompts: {{inline: ['Zq7XPrompt: a question']}}, \
             expect: {{contains: {EXPECTED}}}}}\n  \
           file: {{prompts: {{file: prompts.jsonl}}, expect: {{regex: '{EXPECTED}$'}}}}\n  \
           captured: {{prompts: {{requests: captured.jsonl}}, \
             expect: {{contains: {EXPECTED}}}}}\n\
         targets:\n{}",
        lines.collect::<String>()
    )
}

/// Files that are wrong at or near a confidential text, each in another way.
fn broken_configs() -> Vec<String> {
    let target = |rest: &str| format!("targets:\n  - name: a\n    url: http://h/v1\n    {rest}\n");
    let mut all: Vec<_> = [
        "headers: {authorization: Bearer Zq7XA}",
        "headers: {x-session: Zq7XB",
        "headers: {x-session: Zq7X\u{7f}B}",
        "headers: Zq7XC",
        "headers:\n\tx-session: Zq7XD",
        "headers: {x-session: Zq7XE, x-session: Zq7XE}",
        "headers: {x-session: *Zq7XF}",
        "headers: {x-session: 'Zq7XG}",
        "headers: {x-session: \"Zq7XG \\q\"}",
        "headers: {x-session: [Zq7XG]}",
        "auth: {bearer_token: Zq7XH}",
        "auth: {bearer_token_env: zq7xi}",
        "auth: Zq7XJ",
        "auth: {bearer_token_env: ZQ7X_UNSET, header: Zq7XK}",
        "auth: {header: {name: x-key, value: Zq7XL}}",
        "interval: 0s # Zq7XM",
        "interval: 0s, password: Zq7XN",
        "password: Zq7XN",
        "extra_body: {user: Zq7XO",
        "extra_body: Zq7XP",
        "api_key: |\n      Zq7XQ\n    interval: 0s",
        "Zq7XR: 5",
        "Zq7XS",
    ]
    .map(target)
    .into();
    all.extend(
        [
            "{prompts: {inline: Zq7XT is it}}",
            "{prompts: {inline: [Zq7XT: is it]}}",
            "{prompts: Zq7XU is it}",
            "{prompts: {inline: ['Zq7XU is it', 'Zq7XU}}",
            "{prompts: {file: wrong.jsonl}}",
            "{prompts: {requests: wrong.jsonl}, sample: Zq7X}",
            "{prompts: {requests: wrong-requests.jsonl}}",
            "{prompts: {requests: [Zq7X]}}",
            "{prompts: {inline: [a]}, expect: {regex: 'Zq7XV ('}}",
            "{prompts: {inline: [a]}, expect: Zq7XW}",
            "{prompts: {inline: [a]}, expect: {contain: Zq7XX}}",
            "{prompts: {inline: [a]}, expect: {contains: [Zq7XX]}}",
        ]
        .map(|workload| format!("workloads:\n  w: {workload}\n{}", target("model: m"))),
    );
    all.push("targets: [{name: a, url: 'http://user:Zq7XY@h/v1?key=Zq7XZ'}]\n".to_owned());
    all.push("targets: [{name: a, url: 'http://user:Zq7XY@h:x/v1'}]\n".to_owned());
    all
}

/// Everything that came out, by where.
type Emitted = Vec<(String, Vec<u8>)>;

/// Where the needle is, with what stands around it.
fn leaks(emitted: &Emitted) -> Vec<String> {
    let look = |(place, bytes): &(String, Vec<u8>)| {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let at = text.find(NEEDLE)?;
        let around: String = text[..at].chars().rev().take(200).collect();
        let around: String = around.chars().rev().collect();
        let after: String = text[at..].chars().take(60).collect();
        Some(format!("{place}: …{around}{after}…"))
    };
    emitted.iter().filter_map(look).collect()
}

fn counted(metrics: &Exposition, name: &str, reason: &str) -> bool {
    let target = format!("target=\"{name}\"");
    if reason.is_empty() {
        return metrics.sum("llm_prober_probe_success", &[&target]) > 0.0;
    }
    let reason = format!("reason=\"{reason}\"");
    metrics.sum("llm_prober_probe_failures_total", &[&target, &reason]) > 0.0
}

async fn pages(daemon: &Program, when: &str, emitted: &mut Emitted) {
    let accepted = [
        "*/*",
        "application/openmetrics-text; version=1.0.0",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
         encoding=delimited",
    ];
    for accept in accepted {
        let answer = daemon.ask(Method::GET, "/metrics", &[("accept", accept)]).await;
        assert_eq!(answer.status, 200);
        emitted.push((format!("/metrics {accept} {when}"), answer.body.to_vec()));
    }
    let fixed = ["/", "/config", "/-/ready", "/-/healthy", "/api/v1/status", "/api/v1/targets"];
    let mut paths: Vec<_> = fixed.map(str::to_owned).into();
    let mut take = |path: &str, answer: Answer| {
        assert_eq!(answer.status, 200, "{path}");
        emitted.push((format!("{path} {when}"), answer.body.to_vec()));
        emitted.push((format!("headers of {path}"), format!("{:?}", answer.headers).into()));
    };
    for (name, ..) in TARGETS {
        let list = format!("/api/v1/targets/{name}/probes");
        for of_one in ["/api/v1/probes", "/probes"] {
            // Probes go on: on a busy machine the newest may be forgotten before it is asked for.
            let newest = async || {
                let probes: Value = serde_json::from_slice(&daemon.get(&list).await.body).unwrap();
                let newest = probes["probes"][0]["id"].as_str().expect("it was probed");
                let path = format!("{of_one}/{newest}");
                let answer = daemon.get(&path).await;
                let status = answer.status;
                if status == 404 { Err(status) } else { Ok((path, answer)) }
            };
            let (path, answer) = eventually("a probe that is remembered", newest).await;
            take(&path, answer);
        }
        paths.push(format!("/targets/{name}"));
        paths.push(list);
    }
    for path in &paths {
        take(path, daemon.get(path).await);
    }
}

async fn reload_broken(daemon: &Program, folder: &Folder, emitted: &mut Emitted) {
    folder.write("wrong.jsonl", "{\"prompt\": \"Zq7XWrong\", \"role\": \"Zq7XWrong\"}\n");
    folder.write("wrong-requests.jsonl", "{\"body\": {\"messages\": \"Zq7XWrong\"}}\n");
    for config in broken_configs() {
        folder.write("llm-prober.yml", &config);
        let answer = daemon.ask(Method::POST, "/-/reload", &[]).await;
        assert_eq!(answer.status, 500, "not refused:\n{config}");
        let placed = answer.text().starts_with(&format!("{}:", folder.config()));
        assert!(placed, "no place: {}", answer.text());
        emitted.push((format!("reload of {config:?}"), answer.body.to_vec()));
    }
}

/// Everything that the daemon emits in a life full of failures.
async fn life(echo: &Echo, flags: &[&str]) -> Emitted {
    let folder = folder(echo);
    let arguments = [folder.flag(), "--web.listen-address=127.0.0.1:0".to_owned()];
    let arguments = arguments.into_iter().chain(flags.iter().map(|&f| f.to_owned()));
    let mut daemon = Program::start(arguments, &ENVIRONMENT);
    daemon.address().await;
    std::fs::remove_file(folder.path("revoked")).unwrap();
    folder.write("spoiled", "sk-Zq7XSpoiled\nX-Zq7X: two lines\n");
    daemon
        .until("every outcome", |m| {
            TARGETS.iter().all(|(name, reason, _)| counted(m, name, reason))
        })
        .await;
    let mut emitted = Emitted::new();
    pages(&daemon, "after probes", &mut emitted).await;
    reload_broken(&daemon, &folder, &mut emitted).await;
    pages(&daemon, "after reloads", &mut emitted).await;
    daemon.signal("TERM");
    daemon.ended().await;
    emitted.push(("stdout".to_owned(), daemon.stdout().into()));
    emitted.push(("stderr".to_owned(), daemon.stderr().into()));
    emitted
}

fn stderr(emitted: &Emitted) -> &str {
    let (_, text) = emitted.iter().find(|(place, _)| place == "stderr").unwrap();
    std::str::from_utf8(text).unwrap()
}

#[tokio::test]
async fn nothing_confidential_is_emitted() {
    let echo = Echo::start().await;
    let emitted = life(&echo, &[]).await;
    assert_eq!(leaks(&emitted), Vec::<String>::new());
    for marked in SENT {
        assert!(echo.has_seen(marked), "the server was never sent {marked}");
    }
    let failures = stderr(&emitted).lines().filter(|l| l.contains("probe failed")).count();
    assert!(failures >= 20, "failures are to be logged: {failures}");
}

#[tokio::test]
async fn nothing_confidential_is_in_the_json_log() {
    let echo = Echo::start().await;
    let emitted = life(&echo, &["--log.format=json"]).await;
    assert_eq!(leaks(&emitted), Vec::<String>::new());
    let log = stderr(&emitted);
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["fields"]["message"].is_string(), "{line}");
    }
    assert!(log.lines().count() >= 20, "failures are to be logged:\n{log}");
}

/// The other side of the two above: their search finds what the debug level may show.
#[tokio::test]
async fn the_debug_level_quotes_the_server() {
    let echo = Echo::start().await;
    let emitted = life(&echo, &["--log.level=debug"]).await;
    let found = leaks(&emitted);
    assert!(matches!(&found[..], [only] if only.starts_with("stderr: ")), "{found:?}");
}
