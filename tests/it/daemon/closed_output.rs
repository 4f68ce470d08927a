//! Commands whose reader has gone away, as in `llm-prober probe … | head -1`.

use std::process::{Command, Output, Stdio};

use crate::common::daemon::BINARY;
use crate::daemon::{Folder, simulator};

/// Runs a command into a pipe that nobody reads; with standard error into it, too, where `both`.
async fn unread(arguments: Vec<String>, both: bool) -> Output {
    let run = move || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(BINARY);
        command.args(arguments).stdin(Stdio::null()).stdout(writer.try_clone().unwrap());
        command.stderr(if both { writer.into() } else { Stdio::piped() });
        command.spawn().unwrap().wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn it_ends_quietly() {
    let server = simulator().await;
    let folder = Folder::with(&format!(
        "workloads: {{w: {{prompts: {{inline: [hello]}}, max_output_tokens: 2}}}}\n\
         targets:\n\
         - {{name: good, url: 'http://{server}/v1', model: simulated}}\n\
         - {{name: bad, url: 'http://{server}/v2', model: simulated}}\n"
    ));
    let profile = folder.path("profile.json").display().to_string();
    let save = format!("--save={profile}");
    let record = "tests/incidents/simulated-slo-missed.flight.jsonl";
    let at = |side: &str| format!("--{side}=http://{server}/v1");
    let (baseline, candidate) = (at("baseline"), at("candidate"));
    let cases: [(&[&str], i32); 8] = [
        (&["check", "CONFIG"], 0),
        (&["rules", "CONFIG"], 0),
        // The first is enough; else there would be a thousand.
        (&["probe", "CONFIG", "--target=good", "--count=1000"], 0),
        (
            &[
                "probe",
                "CONFIG",
                "--target=good",
                "--output=json",
                "--concurrency=4",
                "--count=1000",
            ],
            0,
        ),
        (&["probe", "CONFIG", "--target=bad"], 1),
        (&["replay", record, record], 0),
        (&["gate", "CONFIG", "--target=good", "--count=20", &save], 0),
        // Two pairs decide nothing; that is what it ends with, read or not.
        (&["compare", &baseline, &candidate, "--interval=1ms", "--max-pairs=2"], 2),
    ];
    for (arguments, code) in cases {
        let arguments = arguments.iter().map(|a| a.replace("CONFIG", &folder.flag()));
        let arguments: Vec<_> = arguments.collect();
        for both in [false, true] {
            let output = unread(arguments.clone(), both).await;
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!said.contains("ipe") && !said.contains("panicked"), "{arguments:?}: {said}");
        }
    }
}

/// It draws on a terminal only, and says so to who still listens.
#[tokio::test]
async fn the_terminal_view_needs_a_terminal() {
    let output = unread(vec!["top".to_owned()], false).await;
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("top draws on a terminal"));
}
