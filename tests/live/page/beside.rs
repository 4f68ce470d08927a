//! What stands beside the probes: comparisons, the targets' own past, their servers, GPUs.

use crate::common::eventually::{eventually, only_if};
use crate::page::scene::{Scene, target};

/// Reads a page until it says something.
async fn until(scene: &Scene, path: &str, says: &str) -> String {
    let look = async || {
        let page = scene.page(path).await;
        only_if(page.contains(says), page)
    };
    eventually(&format!("{says} on {path}"), look).await
}

fn check(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

/// From a heading to the end of its section.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<section aria-labelledby=\"{id}\"")).unwrap();
    rest.split_once("</section>").unwrap().0
}

#[tokio::test]
async fn a_candidate_that_fails_is_worse() {
    let scene = Scene::usual().await;
    let worse = "The candidate is worse than is tolerated, by at least one signal.";
    let page = until(&scene, "/comparisons/canary", worse).await;
    check(&page, &["Run <code>", "(its first run)", "Both answered "]);
    let signals = section(&page, "signals");
    check(signals, &["Time to first token", "Failures", "only the baseline <b>0</b>"]);
    check(signals, &["<caption>", "scope=\"col\"", "scope=\"row\"", " regressed"]);
    let sides = section(&page, "sides");
    check(sides, &["href=\"../targets/steady\"", "href=\"../targets/broken\"", "failing"]);
    check(section(&page, "rounds"), &["both at the same instant", "150 ms", "5 %", "Judged"]);
    let first = scene.page("/").await;
    check(&first, &["href=\"#comparisons\"", "href=\"#gpus\""]);
    let overview = section(&first, "comparisons");
    check(overview, &["href=\"comparisons/canary\"", "regressed", "steady", "broken"]);
}

#[tokio::test]
async fn an_effect_is_drawn_and_said() {
    let scene = Scene::start(|healthy, _| {
        target("a", healthy, "")
            + &target("b", healthy, "")
            + "comparisons:\n"
            + &crate::page::scene::comparison("equal", "a", "b")
    });
    let scene = scene.await;
    let page = until(&scene, "/comparisons/equal", "class=\"median\"").await;
    let picture = "aria-label=\"The interval is not yet on one side of the tolerance of +5.0 %\"";
    check(section(&page, "signals"), &[picture, "too few to say more", "role=\"img\"", " %</b>"]);
    check(&page, &["Not worse cannot be said yet: "]);
}

#[tokio::test]
async fn a_target_has_its_server_and_its_past() {
    let scene = Scene::usual().await;
    let page = until(&scene, "/targets/steady", "Running requests").await;
    let server = section(&page, "server");
    check(server, &["As vllm tells", "Waiting requests", "KV cache in use", "s ago"]);
    let change = section(&page, "change");
    check(
        change,
        &[
            "collecting",
            "of at least 500 observations, over at least 24 h",
            "Missed SLOs",
            "<caption>",
        ],
    );
    assert!(!scene.page("/targets/broken").await.contains("id=\"server\""));
}

#[tokio::test]
async fn gpus_are_shown_where_they_are_seen() {
    let scene = Scene::usual().await;
    let page = until(&scene, "/", "40.0 GiB of 80.0 GiB").await;
    let gpus = section(&page, "gpus");
    check(gpus, &["●", "50 %", "300 W", "40 °C", "nothing", "s ago"]);
    assert_eq!(gpus.matches("scope=\"row\"").count(), 2, "{gpus}");
}

#[tokio::test]
async fn what_is_not_there_has_no_section() {
    let off = "gpu: {enabled: false}\nchange_detection: {enabled: false}\n";
    let scene = Scene::start(|healthy, _| target("a", healthy, "") + off).await;
    scene.probed(&["a"]).await;
    let pages = scene.page("/").await + &scene.page("/targets/a").await;
    for id in ["comparisons", "gpus", "change", "server"] {
        assert!(!pages.contains(&format!("id=\"{id}\"")), "{id} in {pages}");
    }
}
