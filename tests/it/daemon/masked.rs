//! Secrets and prompts that a server repeats are neither kept nor logged, not even at debug level.

use crate::common::daemon::Program;
use crate::daemon::Folder;
use crate::daemon::echo::Echo;

const TOKEN: &str = "sk-token-that-nobody-may-see";
const PROMPT: &str = "a question that nobody is to see in any file or log";

/// Ways in which the server answers with what it was sent.
const MODES: [&str; 6] = ["answered", "whole", "status", "throttled", "error-event", "error-line"];

#[tokio::test]
async fn what_a_server_repeats_is_masked() {
    let echo = Echo::start().await;
    let folder = Folder::new();
    folder.write("token", TOKEN);
    let target = |mode: &&str| {
        let stream = if *mode == "whole" { "stream: false, " } else { "" };
        format!(
            "- {{name: {mode}, url: 'http://{}/{mode}/v1', model: m, {stream}\
             auth: {{bearer_token_file: token}}}}\n",
            echo.address
        )
    };
    let targets: String = MODES.iter().map(target).collect();
    folder.write(
        "llm-prober.yml",
        &format!(
            "defaults: {{interval: 100ms}}\nworkloads:\n  \
             w: {{prompts: {{inline: ['{PROMPT}']}}, max_output_tokens: 3}}\ntargets:\n{targets}"
        ),
    );
    let records = folder.path("records");
    let dir = format!("--flight-recorder.dir={}", records.display());
    let keep = "--flight-recorder.keep=all".to_owned();
    let level = "--log.level=debug".to_owned();
    let serve = "--web.enable-recordings".to_owned();
    let daemon = Program::daemon([folder.flag(), dir, keep, level, serve]).await;
    let files = || -> Vec<String> {
        let entries = std::fs::read_dir(&records).unwrap().map(|entry| entry.unwrap().path());
        let flights = entries.filter(|path| path.to_string_lossy().ends_with(".flight.jsonl"));
        flights.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
    };
    let kept = |mode: &str| {
        let mark = format!("\"target\":\"{mode}\"");
        files().into_iter().find(|text| text.contains(&mark))
    };
    for mode in MODES {
        let kept = daemon.find(|_| kept(mode)).await;
        assert!(kept.contains("*****"), "{mode} repeats nothing:\n{kept}");
    }
    for sent in [TOKEN, PROMPT] {
        assert!(echo.has_seen(sent), "{sent} was not sent");
        for text in files() {
            assert!(!text.contains(sent), "{sent} is in:\n{text}");
        }
        assert!(!daemon.stderr().contains(sent), "{sent} is in:\n{}", daemon.stderr());
    }
    assert!(daemon.stderr().contains("why the probe failed"), "{}", daemon.stderr());
}
