//! Help, version, and `check`.

use std::io::{PipeWriter, pipe};
use std::process::{Command, Stdio};

use crate::common::daemon::{BINARY, Program, run};
use crate::daemon::Folder;

fn stdout(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_explains_itself() {
    let commands: [(&[&str], &[&str]); 7] = [
        (&[], &["--config.file", "--web.listen-address", "--log.level", "probe", "simulate"]),
        (&["run"], &["--config.file", "--web.listen-address", "--io.threads", "--log.format"]),
        (&["probe"], &["--target", "--workload", "--count", "--concurrency", "--output"]),
        (
            &["gate"],
            &["--save", "--baseline", "--candidate", "--limit", "--allow-different", "--output"],
        ),
        (&["check"], &["--config.file"]),
        (
            &["sweep"],
            &[
                "--model",
                "--concurrency",
                "--rate",
                "--goodput",
                "--adaptive",
                "--fail-if",
                "--export",
            ],
        ),
        (
            &["simulate"],
            &["--web.listen-address", "--config.file", "--ttft", "--itl", "--slots", "--queue"],
        ),
    ];
    for (command, flags) in commands {
        let help = stdout(&[command, &["--help"]].concat());
        for flag in flags {
            assert!(help.split_whitespace().any(|w| w == *flag), "{flag} is not in:\n{help}");
        }
    }
    assert_eq!(stdout(&["--version"]), concat!("llm-prober ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn check_prints_the_resolved_targets() {
    let folder = Folder::with(
        "targets:\n  - {name: prod, url: 'http://llm.internal:8000/v1', model: m}\n  \
         - {name: next, url: 'http://canary:8000/v1', interval: 30s}\n",
    );
    let text = stdout(&["check", &folder.flag()]);
    let blocks: Vec<_> = text.split("\n\n").map(|b| b.lines().next().unwrap()).collect();
    assert_eq!(blocks, ["target prod", "target next", "metrics"]);
    let series = |flags: &[&str]| -> usize {
        let text = stdout(&[&["check", &folder.flag()], flags].concat());
        let line = text.lines().find_map(|line| line.strip_prefix("  series     ")).unwrap();
        line.split_once(' ').unwrap().0.parse().unwrap()
    };
    let (lean, all) = (series(&[]), series(&["--metrics.histograms=all"]));
    assert!(lean > 500 && lean < 4 * 200 && all > 2 * lean, "{lean} {all}");
    assert!(text.contains("as the server's model list says"), "{text}");
}

#[test]
fn the_shipped_examples_pass_the_check() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/config/");
    for name in ["minimal.yml", "llm-prober.example.yml", "quick-start.yml"] {
        let text = stdout(&["check", &format!("--config.file={root}{name}")]);
        assert!(text.starts_with("target "), "{name}: {text}");
    }
}

#[tokio::test]
async fn the_simulator_refuses_a_bad_file_and_ends_in_order() {
    let folder = Folder::new();
    folder.write("simulator.yml", "model: m\nttft: 5\n");
    let file = folder.path("simulator.yml").display().to_string();
    let output = run(["simulate", "--web.listen-address=127.0.0.1:0", "--config.file", &file]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with(&format!("{file}:2:7: ")), "{message}");

    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/simulator.yml");
    let (mut simulator, _) = Program::simulator("127.0.0.1:0", &["--config.file", shipped]).await;
    simulator.signal("TERM");
    assert_eq!(simulator.ended().await.code(), Some(0), "{}", simulator.stderr());
}

fn nobody_reads() -> PipeWriter {
    pipe().unwrap().1
}

#[test]
fn a_reader_that_goes_away_is_no_defect() {
    let folder = Folder::with("targets:\n  - {name: prod, url: 'http://h/v1', model: m}\n");
    let config = format!("--config.file={}", folder.config());
    for name in ["check", "rules"] {
        let mut command = Command::new(BINARY);
        let output = command.args([name, &config]).stdout(nobody_reads()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    }
    let mut command = Command::new(BINARY);
    let wrong = command.args(["check", "--config.file=nothing.yml"]).stdout(Stdio::null());
    assert_eq!(wrong.stderr(nobody_reads()).status().unwrap().code(), Some(64));
}
