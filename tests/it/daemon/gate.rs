//! `llm-prober gate`: profiles, decisions, refusals and exit codes.

use std::net::SocketAddr;
use std::process::Output;
use std::time::Duration;

use llm_prober::simulate::{Simulator, SimulatorConfig};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::common::daemon::{Program, run};
use crate::common::in_process;
use crate::daemon::Folder;

/// Exact, and slow enough for a busy machine not to matter beside [`ROOMY`] limits.
const STEADY: &str = "slots: 200\nttft: 1500ms\nitl: 10ms\nanswer_tokens: 5\n";
const ROOMY: [&str; 2] = ["--limit=ttft_p95=90%", "--limit=output_tokens_per_second=45%"];
/// Without limits on time: for tests of everything else.
const UNTIMED: [&str; 2] = ["--limit=ttft_p95=none", "--limit=output_tokens_per_second=none"];

fn config(server: SocketAddr) -> String {
    format!(
        "workloads:\n  \
           chat: {{prompts: {{inline: [Zq7X say hello]}}, max_output_tokens: 5}}\n\
         slos: {{fast: {{objective: 0.99, ttft: 1m}}}}\n\
         targets:\n  \
         - {{name: prod, url: 'http://{server}/v1', model: simulated,\n     \
            auth: {{bearer_token_file: token}}, headers: {{x-team: Zq7X-team}},\n     \
            version: {{serving_image: 'v:1', hardware: h}},\n     \
            price: {{input_per_million: 1, output_per_million: 2}}}}\n"
    )
}

/// A folder with a configuration for this server, and a secret.
fn folder(server: SocketAddr) -> Folder {
    let folder = Folder::new();
    folder.write("token", "Zq7X-secret");
    folder.write("llm-prober.yml", &config(server));
    folder
}

/// Beside the runtime's threads, on which the server is.
async fn gate(arguments: Vec<String>) -> Output {
    let gate = move || run(["gate".to_owned()].into_iter().chain(arguments));
    tokio::task::spawn_blocking(gate).await.unwrap()
}

impl Folder {
    /// Probes often enough for every default limit.
    async fn probe_and(&self, more: &[&str]) -> Output {
        let basic = ["--target=prod", "--count=40", "--concurrency=20"];
        let more = more.iter().map(|a| a.replace("FOLDER", &self.path("").display().to_string()));
        let flag = [self.flag()].into_iter();
        gate(flag.chain(basic.map(str::to_owned)).chain(more).collect()).await
    }

    async fn save(&self) -> String {
        let output = self.probe_and(&["--save=FOLDER/base.json"]).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        std::fs::read_to_string(self.path("base.json")).unwrap()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn an_equal_release_passes_and_a_slower_one_fails() {
    let folder = folder(in_process::simulator(STEADY).await);
    folder.save().await;
    let equal = folder.probe_and(&[&["--baseline=FOLDER/base.json"][..], &ROOMY].concat()).await;
    assert_eq!(equal.status.code(), Some(0), "{equal:?}");
    assert!(text(&equal.stdout).ends_with("pass\n"), "{equal:?}");

    let slower = in_process::simulator(&STEADY.replace("1500ms", "4500ms")).await;
    folder.write("llm-prober.yml", &config(slower).replace("v:1", "v:2"));
    let arguments = ["--baseline=FOLDER/base.json", "--save=FOLDER/next.json", "--output=json"];
    let output = folder.probe_and(&[&arguments[..], &ROOMY].concat()).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["decision"], "fail");
    assert_eq!(found["candidate"]["version"]["serving_image"], "v:2");
    let figures = found["figures"].as_array().unwrap();
    let ttft = figures.iter().find(|f| f["name"] == "ttft_p95").unwrap();
    assert_eq!((&ttft["decision"], &ttft["limit"]), (&"fail".into(), &0.9.into()), "{ttft}");
    assert!(ttft["change"]["low"].as_f64().unwrap() > 0.0, "{ttft}");

    let path = |name: &str| folder.path(name).display().to_string();
    let files =
        [format!("--baseline={}", path("base.json")), format!("--candidate={}", path("next.json"))];
    let without_probing = gate(files.to_vec()).await;
    assert_eq!(without_probing.status.code(), Some(1), "{without_probing:?}");
    let limits = ["--limit=ttft_p95=900%", "--limit=output_tokens_per_second=90%"];
    let lenient = gate([&files[..], &limits.map(str::to_owned)].concat()).await;
    assert_eq!(lenient.status.code(), Some(0), "{lenient:?}");
}

#[tokio::test]
async fn stream_errors_fail() {
    let folder = folder(in_process::simulator("slots: 200\nttft: 20ms\n").await);
    folder.save().await;
    // Of this seed's first 40 requests one is hit.
    let broken = "seed: 3\nslots: 200\nttft: 20ms\n\
                  faults: {truncate: {probability: 0.02, after_tokens: 2}}\n";
    folder.write("llm-prober.yml", &config(in_process::simulator(broken).await));
    let arguments = [&["--baseline=FOLDER/base.json"][..], &UNTIMED].concat();
    let output = folder.probe_and(&arguments).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let table = text(&output.stdout);
    let row = table.lines().find(|line| line.starts_with("stream errors")).unwrap();
    assert!(row.contains("0.5 %  fail"), "{table}");
    assert!(table.contains("40, 1 truncated\n"), "{table}");
}

#[tokio::test]
async fn another_mix_is_refused_before_anything_is_sent() {
    let folder = folder(in_process::simulator("slots: 200\nttft: 20ms\n").await);
    folder.save().await;
    // Nobody listens there: an attempt to probe would end with another code.
    let nobody = "127.0.0.1:1".parse().unwrap();
    folder.write("llm-prober.yml", &config(nobody).replace("say hello", "say goodbye"));
    let output = folder.probe_and(&["--baseline=FOLDER/base.json"]).await;
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let why = text(&output.stderr);
    assert!(why.contains("mix differs: workload chat: prompts: 1 with SHA-256 "), "{why}");
    assert!(!why.contains("Zq7X"), "{why}");
    let arguments = ["--baseline=FOLDER/base.json", "--allow-different=mix"];
    let unreached = folder.probe_and(&arguments).await;
    assert_eq!(unreached.status.code(), Some(2), "{unreached:?}");
    let why = text(&unreached.stderr);
    assert!(why.contains("llm-prober: the target does not answer (3 tries): connect: "), "{why}");
    assert!(why.trim_end().ends_with("; nothing was measured"), "{why}");
}

/// An hour of probing is not lost because of a wrong path.
#[tokio::test]
async fn a_profile_that_cannot_be_written_is_refused_before_anything_is_sent() {
    // Nobody listens there: an attempt to probe would end with another code.
    let folder = folder("127.0.0.1:1".parse().unwrap());
    for place in ["FOLDER/missing/base.json", "FOLDER"] {
        let output = folder.probe_and(&[&format!("--save={place}")]).await;
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let why = text(&output.stderr);
        assert!(why.contains("--save: expected a file that can be written, found "), "{why}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing is left behind: {left:?}");
}

#[tokio::test]
async fn a_profile_holds_no_secret_and_no_prompt() {
    let folder = folder(in_process::simulator("slots: 200\nttft: 20ms\n").await);
    let profile = folder.save().await;
    assert!(!profile.contains("Zq7X"), "{profile}");
    let read: Value = serde_json::from_str(&profile).unwrap();
    let identity = &read["identity"];
    assert_eq!((&identity["model"], &identity["hardware"]), (&"simulated".into(), &"h".into()));
    assert_eq!((&read["counts"]["probes"], &identity["concurrency"]), (&40.into(), &20.into()));
    assert!(read["figures"]["cost_per_thousand_good"]["value"].as_f64().unwrap() > 0.0);
    let left: Vec<_> =
        std::fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "no half-written file: {left:?}");
}

#[tokio::test]
async fn what_is_no_profile_is_refused() {
    let folder = folder("127.0.0.1:1".parse().unwrap());
    let contents = [
        ("{\"format\":", ":1:10: EOF while parsing a value, expected a file written by"),
        (
            "{\"format\": \"llm-prober release profile\", \"version\": 9}",
            ": a profile of version 9",
        ),
        (&" ".repeat(5 << 20), ": larger than 4 MiB"),
    ];
    for (content, message) in contents {
        folder.write("base.json", content);
        let output = folder.probe_and(&["--baseline=FOLDER/base.json"]).await;
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        assert!(text(&output.stderr).contains(&format!("base.json{message}")), "{output:?}");
    }
    let missing = folder.probe_and(&["--baseline=FOLDER/nowhere.json"]).await;
    assert_eq!(missing.status.code(), Some(64), "{missing:?}");
    assert!(text(&missing.stderr).contains("cannot read the profile"), "{missing:?}");
}

#[tokio::test]
async fn nothing_is_saved_of_an_endpoint_that_is_down() {
    let folder = folder("127.0.0.1:1".parse().unwrap());
    let output = folder.probe_and(&["--save=FOLDER/base.json"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("the target does not answer (3 tries)"), "{output:?}");
    assert!(!folder.path("base.json").exists());
    // It answers, but never well.
    let broken = "slots: 200\nfaults: {truncate: {probability: 1, after_tokens: 2}}\n";
    folder.write("llm-prober.yml", &config(in_process::simulator(broken).await));
    let output = folder.probe_and(&["--save=FOLDER/base.json"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("no probe succeeded (40 truncated)"), "{output:?}");
    assert!(!folder.path("base.json").exists());
}

#[tokio::test]
async fn an_interruption_leaves_no_file() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ttft = Duration::from_secs(3600);
    let simulator = Simulator::new(SimulatorConfig { ttft, ..SimulatorConfig::default() });
    let serving = simulator.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let folder = folder(address);
    let save = format!("--save={}", folder.path("base.json").display());
    let mut gate = Program::start(["gate", &folder.flag(), "--target=prod", &save], &[]);
    gate.find(|_| (simulator.requests() > 0).then_some(())).await;
    gate.signal("INT");
    assert_eq!(gate.ended().await.code(), Some(2), "{}", gate.stderr());
    gate.find(|gate| gate.stderr().contains("interrupted: nothing was saved").then_some(())).await;
    assert!(!folder.path("base.json").exists());
}

#[test]
fn the_modes_do_not_mix() {
    let wrong: [&[&str]; 4] = [
        &["--target=prod", "--config.file=x.yml"],
        &["--save=a.json"],
        &["--candidate=a.json"],
        &["--baseline=a.json", "--candidate=b.json", "--target=prod"],
    ];
    for arguments in wrong {
        let output = run([&["gate"], arguments].concat());
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {output:?}");
        assert!(text(&output.stderr).contains("--help"), "{output:?}");
    }
}
