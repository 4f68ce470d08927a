//! Flight records on disk, from the daemon to `replay`.

use serde_json::Value;

use crate::common::daemon::{Program, run};
use crate::daemon::{Folder, simulator};

#[tokio::test]
async fn a_failure_becomes_a_file_that_replays() {
    let server = simulator().await;
    let folder = Folder::with(&format!(
        "defaults: {{interval: 100ms}}\n\
         targets:\n\
         - {{name: good, url: 'http://{server}/v1', model: simulated, slos: []}}\n\
         - {{name: dead, url: 'http://{server}/v2', model: simulated}}\n"
    ));
    let records = folder.path("records");
    let dir = format!("--flight-recorder.dir={}", records.display());
    let failures = "--flight-recorder.keep=failures".to_owned();
    let mut daemon = Program::daemon([folder.flag(), dir, failures]).await;
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(&records).unwrap().map(|e| e.unwrap().path());
        entries.filter(|p| p.to_string_lossy().ends_with(".flight.jsonl")).collect()
    };
    daemon.find(|_| (files().len() >= 3).then_some(())).await;
    let status: Value = serde_json::from_slice(&daemon.get("/api/v1/status").await.body).unwrap();
    assert!(status["flight_recorder"]["written"].as_u64().unwrap() >= 3, "{status}");
    assert_eq!(status["flight_recorder"]["lost"], 0);

    // A listener to the events does not hold up the end.
    let url = format!("http://{}/api/v1/events", daemon.address().await);
    let mut events = reqwest::get(url).await.unwrap();
    daemon.signal("TERM");
    assert!(daemon.ended().await.success(), "{}", daemon.stderr());
    while let Ok(Some(_)) = events.chunk().await {}

    let files = files();
    let arguments = ["replay".into(), "--json".into()].into_iter().chain(files.iter().cloned());
    let output = run(arguments.map(std::path::PathBuf::into_os_string));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let replayed: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(replayed.len(), files.len());
    for probe in replayed {
        let seen = (&probe["target"], &probe["outcome"], &probe["http_status"]);
        assert_eq!(seen, (&"dead".into(), &"http_status".into(), &404.into()));
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_refused() {
    let folder = Folder::with("targets: [{name: a, url: 'http://h/v1', model: m}]");
    let dir = format!("--flight-recorder.dir={}", folder.config());
    let output = run([folder.flag(), dir, "--web.listen-address=127.0.0.1:0".to_owned()]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("--flight-recorder.dir=/"), "{message}");
    assert!(message.contains("expected a folder that can be written to"), "{message}");
    assert!(output.stdout.is_empty(), "no port was bound");
}
