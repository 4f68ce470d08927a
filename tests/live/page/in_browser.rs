//! Cases in a real Chromium, each a file of `browser/cases/` against a program of its own.

use std::path::Path;
use std::process::Stdio;

use crate::common::counterparts::counterpart;
use crate::page::scene::{HOSTILE, Scene, target};

/// Runs a case; what it says goes into the failure.
async fn run(case: &str, scene: &Scene) {
    let Some(browser) = counterpart("browser") else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/page/browser");
    let url = format!("http://{}/", scene.daemon.address().await);
    let mut command = std::process::Command::new(browser);
    command.arg(folder.join("run.mjs")).arg(folder.join(format!("cases/{case}.mjs"))).arg(url);
    command.stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    assert!(output.status.success(), "{case}:\n{}{}", said[0], said[1]);
}

#[tokio::test]
async fn new_probes_appear_by_themselves() {
    run("live", &Scene::usual().await).await;
}

#[tokio::test]
async fn a_lost_connection_is_taken_up_again() {
    run("reconnect", &Scene::usual().await).await;
}

#[tokio::test]
async fn a_page_that_is_gone_says_so() {
    run("gone", &Scene::usual().await).await;
}

#[tokio::test]
async fn from_a_failure_to_its_waterfall() {
    run("drill_down", &Scene::usual().await).await;
}

#[tokio::test]
async fn filters_with_and_without_script() {
    run("filters", &Scene::usual().await).await;
}

#[tokio::test]
async fn light_dark_and_narrow() {
    run("looks", &Scene::usual().await).await;
}

#[tokio::test]
async fn everything_by_keyboard() {
    run("keyboard", &Scene::usual().await).await;
}

#[tokio::test]
async fn nothing_that_axe_finds() {
    run("accessible", &Scene::usual().await).await;
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let scene = Scene::start(|healthy, broken| {
        let server = |name: &str| if name.starts_with('W') { broken } else { healthy };
        HOSTILE.iter().map(|name| target(name, server(name), "interval: 1s")).collect()
    });
    let scene = scene.await;
    scene.probed(&HOSTILE).await;
    run("names", &scene).await;
}
