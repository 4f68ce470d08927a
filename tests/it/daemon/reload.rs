//! Reload by signal and by request: the whole of the new file, or all of the old one.

use std::net::SocketAddr;

use reqwest::Method;

use crate::common::daemon::Program;
use crate::daemon::{Folder, simulator};

const SUCCESSFUL: &str = "llm_prober_config_last_reload_successful";
const PROBES: &str = "llm_prober_probes_total";

fn config(server: SocketAddr, interval: &str, names: &[&str]) -> String {
    let target =
        |name| format!("  - {{name: {name}, url: 'http://{server}/v1', model: simulated}}\n");
    let targets: String = names.iter().map(target).collect();
    format!("defaults: {{interval: {interval}}}\ntargets:\n{targets}")
}

#[tokio::test]
async fn a_broken_file_stops_nothing() {
    let server = simulator().await;
    let folder = Folder::with(&config(server, "50ms", &["first"]));
    let daemon = Program::daemon([folder.flag()]).await;
    let first = ["target=\"first\""];
    assert_eq!(daemon.metrics().await.values(SUCCESSFUL, &[]), [1.0]);
    daemon.until("probes", |m| m.sum(PROBES, &first) >= 3.0).await;

    folder.write("llm-prober.yml", &config(server, "50", &["first"]));
    daemon.signal("HUP");
    let broken = daemon.until("failed reload", |m| m.values(SUCCESSFUL, &[]) == [0.0]).await;
    let place = format!("{}:1:22: ", folder.config());
    assert!(daemon.stderr().contains(&place), "no {place} in:\n{}", daemon.stderr());
    let goes_on = broken.sum(PROBES, &first) + 3.0;
    daemon.until("probes after it", |m| m.sum(PROBES, &first) >= goes_on).await;

    folder.write("llm-prober.yml", &config(server, "50ms", &["first", "second"]));
    daemon.signal("HUP");
    let repaired = daemon.until("reload", |m| m.values(SUCCESSFUL, &[]) == [1.0]).await;
    // The first target did not change, so its counters go on.
    assert!(repaired.sum(PROBES, &first) >= goes_on, "{repaired}");
    daemon.until("the new target", |m| m.sum(PROBES, &["target=\"second\""]) >= 1.0).await;

    folder.write("llm-prober.yml", &config(server, "50ms", &["second"]));
    daemon.signal("HUP");
    daemon.until("removal", |m| m.values(PROBES, &first).is_empty()).await;
}

#[tokio::test]
async fn a_reload_by_request_answers_with_the_problem() {
    let server = simulator().await;
    let folder = Folder::with(&config(server, "1s", &["first"]));
    let daemon = Program::daemon([folder.flag()]).await;
    let answer = daemon.ask(Method::POST, "/-/reload", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "configuration reloaded\n"));

    folder.write("llm-prober.yml", &config(server, "1", &["first"]));
    let answer = daemon.ask(Method::POST, "/-/reload", &[]).await;
    assert_eq!(answer.status, 500);
    let place = format!("{}:1:22: ", folder.config());
    assert!(answer.text().starts_with(&place), "{}", answer.text());
    assert!(answer.text().contains("defaults: {interval: 1}"), "{}", answer.text());
    assert!(daemon.get("/config").await.text().contains("interval: 1s"));

    // A link or a crawler must not reload.
    let answer = daemon.get("/-/reload").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), "POST");
}

/// On the target's page and in the API; an edit of a label draws none.
#[tokio::test]
async fn a_line_is_drawn_where_it_is_another_model() {
    let server = simulator().await;
    let before = config(server, "50ms", &["first"]);
    let folder = Folder::with(&before);
    let daemon = Program::daemon([folder.flag()]).await;
    let first = ["target=\"first\""];
    let seen = daemon.until("probes", |m| m.sum(PROBES, &first) >= 3.0).await;
    let reload = async |text: &str| {
        folder.write("llm-prober.yml", text);
        let answer = daemon.ask(Method::POST, "/-/reload", &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let target = daemon.get("/api/v1/targets/first").await;
        let target: serde_json::Value = serde_json::from_str(target.text()).unwrap();
        (target["marks"].clone(), daemon.get("/targets/first").await.text().to_owned())
    };
    let labelled = before.replace("simulated}", "simulated, labels: {stack: new}}");
    let (marks, page) = reload(&labelled).await;
    assert_eq!(marks, serde_json::json!([]));
    assert!(!page.contains("What happened"), "{page}");
    let (marks, page) = reload(&labelled.replace("simulated,", "another,")).await;
    assert_eq!(marks.as_array().unwrap().len(), 1);
    assert_eq!((&marks[0]["kind"], &marks[0]["changed"]), (&"moved".into(), &"model".into()));
    assert!(page.contains("A line: another model from here on"), "{page}");
    assert_eq!(page.matches("another server or model since ").count(), 4, "in every window");
    let now = daemon.metrics().await;
    assert!(now.sum(PROBES, &first) >= seen.sum(PROBES, &first), "what was counted was counted");
}
