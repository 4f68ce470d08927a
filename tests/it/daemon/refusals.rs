//! What cannot work ends the program at once, with a reason and an exit code.

use std::process::Output;

use crate::common::daemon::run;
use crate::daemon::Folder;

/// The exit code for a configuration or a command line that cannot be used.
const USAGE: i32 = 64;

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_bad_configuration_binds_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let folder = Folder::with("targets:\n  - {name: a, url: localhost}\n");
    // The port is taken: an attempt to bind it would be the error.
    let output = run([folder.flag(), listen]);
    assert_eq!(output.status.code(), Some(USAGE), "{output:?}");
    let place = format!("{}:2:20: not a URL", folder.config());
    assert!(stderr(&output).starts_with(&place), "{}", stderr(&output));
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn every_command_refuses_a_bad_configuration_alike() {
    let folder = Folder::with("targets: [{name: a, url: 'http://h/v1', interval: 5}]\n");
    let file = folder.config();
    let expected = format!("{file}:1:51: ");
    for command in [vec!["run"], vec!["check"], vec!["probe", "--target=a"]] {
        let output = run(command.iter().copied().chain(["--config.file", &file]));
        assert_eq!(output.status.code(), Some(USAGE), "{command:?}: {output:?}");
        assert!(stderr(&output).starts_with(&expected), "{command:?}: {}", stderr(&output));
    }
}

#[test]
fn a_missing_file_is_named() {
    let output = run(["--config.file=nowhere.yml"]);
    assert_eq!(output.status.code(), Some(USAGE), "{output:?}");
    let expected = "nowhere.yml: cannot read the configuration: No such file";
    assert!(stderr(&output).starts_with(expected), "{}", stderr(&output));
}

#[test]
fn unknown_flags_and_commands_are_named() {
    for mistake in ["--web.listen-adress=127.0.0.1:0", "prob"] {
        let output = run([mistake]);
        assert_eq!(output.status.code(), Some(USAGE), "{output:?}");
        let named = mistake.split('=').next().unwrap();
        assert!(stderr(&output).contains(&format!("'{named}'")), "{}", stderr(&output));
    }
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let daemon = run([format!("--web.listen-address={address}")]);
    let simulator = run(["simulate", "--web.listen-address", &address]);
    for output in [daemon, simulator] {
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let expected = format!("llm-prober: cannot listen on {address}: Address");
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
}
