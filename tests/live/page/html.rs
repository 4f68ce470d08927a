//! The pages as text: what every one of them keeps to, and what they say.

use std::collections::BTreeSet;

use crate::page::scene::{HOSTILE, Scene, comparison, target};

/// Values of an attribute, as they are written.
fn attribute<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let parts = page.split(&format!(" {name}=\"")).skip(1).collect::<Vec<_>>();
    parts.into_iter().filter_map(|rest| rest.split_once('"')).map(|(value, _)| value).collect()
}

fn keys(page: &str) -> Vec<&str> {
    let (_, rest) = page.split_once("data-live=\"targets\"").unwrap();
    attribute(rest.split_once("</tbody>").unwrap().0, "data-key")
}

/// Every page that can be reached from the first one.
async fn reachable(scene: &Scene) -> Vec<(String, String)> {
    let (mut seen, mut pages) = (BTreeSet::new(), Vec::new());
    let base = url::Url::parse("http://page.test/").unwrap();
    let mut open = vec![base.clone()];
    while let Some(url) = open.pop() {
        let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let ours = url.path() == "/"
            || ["/targets/", "/probes/", "/comparisons/", "/runbook"]
                .iter()
                .any(|p| path.starts_with(p));
        if url.host_str() != base.host_str() || !ours || !seen.insert(path.clone()) {
            continue;
        }
        let answer = scene.daemon.get(&path).await;
        if path.starts_with("/probes/") && answer.status == 404 {
            continue; // forgotten since its link was written
        }
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let page = answer.text().to_owned();
        for link in attribute(&page, "href") {
            assert!(
                !link.starts_with('/'),
                "{path} has {link}, which no proxy's path is in front of"
            );
            open.push(url.join(&link.replace("&amp;", "&")).unwrap());
        }
        pages.push((path, page));
        if pages.len() == 60 {
            break;
        }
    }
    pages
}

#[tokio::test]
async fn every_link_leads_somewhere_and_nothing_is_inline() {
    let scene = Scene::usual().await;
    let pages = reachable(&scene).await;
    for kind in
        ["/", "/targets/steady", "/targets/broken", "/probes/", "/comparisons/canary", "/runbook"]
    {
        assert!(pages.iter().any(|(path, _)| path.starts_with(kind)), "no {kind}");
    }
    for (path, page) in pages {
        for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!page.contains(inline), "{path} has {inline}");
        }
        assert!(!page.contains("<script>"), "{path}");
        assert!(
            page.starts_with("<!DOCTYPE html>") && page.contains("<html lang=\"en\">"),
            "{path}"
        );
        for part in ["<main id=\"main\"", "<nav aria-label=\"Main\">", "href=\"#main\"", "<h1"] {
            assert!(page.contains(part), "{path} has no {part}");
        }
    }
}

#[tokio::test]
async fn names_are_escaped() {
    let scene = Scene::start(|healthy, _| {
        let targets = HOSTILE.iter().map(|name| target(name, healthy, "labels: {owner: '<b>&\"'}"));
        let compared = HOSTILE.iter().map(|name| comparison(name, HOSTILE[0], HOSTILE[1]));
        targets.chain(["comparisons:\n".to_owned()]).chain(compared).collect()
    });
    let scene = scene.await;
    scene.probed(&HOSTILE).await;
    let first = scene.page("/").await;
    for (path, page) in reachable(&scene).await.iter().chain([&("/".to_owned(), first.clone())]) {
        for markup in ["<script>alert", "<img", "<b>&\""] {
            assert!(!page.contains(markup), "{path} has {markup}");
        }
    }
    assert!(first.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{first}");
    assert_eq!(keys(&first).len(), HOSTILE.len());
    // Each of them also as one part of the path, as the API has them.
    for name in HOSTILE.iter().filter(|name| **name != "..") {
        let part = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        scene.page(&format!("/targets/{part}")).await;
        scene.page(&format!("/comparisons/{part}")).await;
    }
}

#[tokio::test]
async fn many_targets_come_on_pages() {
    // Connections to it wait to be accepted: the first probes stay under way, and the order as it is.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let never = silent.local_addr().unwrap();
    let scene = Scene::start(|healthy, broken| {
        let quiet =
            (0..118).map(|i| target(&format!("quiet-{i:03}"), never, "interval: 1d, timeout: 1d"));
        let busy = [target("steady", healthy, "labels: {team: ads}"), target("broken", broken, "")];
        quiet.chain(busy).collect()
    });
    let scene = scene.await;
    scene.probed(&["steady", "broken"]).await;
    let first = scene.page("/").await;
    let shown = keys(&first);
    assert_eq!((shown.len(), shown[0]), (50, "broken"));
    assert!(first.contains("120 targets shown, 1 failing."), "{first}");
    assert!(first.contains("Page 1 of 3") && first.contains("href=\"./?page=2\""), "{first}");
    let second = scene.page("/?page=2").await;
    assert!(second.contains("href=\"./?page=3\"") && second.contains("href=\"./\""));
    let last = scene.page("/?page=3").await;
    let all: BTreeSet<_> = [&first, &second, &last].iter().flat_map(|page| keys(page)).collect();
    assert_eq!((all.len(), keys(&last).len()), (120, 20));
    assert_eq!(keys(&last), keys(&scene.page("/?page=99").await));
    assert_eq!(keys(&scene.page("/?q=-01").await).len(), 10);
    assert_eq!(keys(&scene.page("/?label=team%3Dads").await), ["steady"]);
    assert_eq!(keys(&scene.page("/?state=failing&q=o").await), ["broken"]);
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page() {
    let scene = Scene::usual().await;
    let check = async |path: &str, status: u16, says: &str| {
        let answer = scene.daemon.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains(says), "{path}: {}", answer.text());
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
    };
    check("/targets/gone", 404, "There is no target “gone”").await;
    check("/targets/%3Cb%3E", 404, "There is no target “&lt;b&gt;”").await;
    check("/targets/?name=gone", 404, "There is no target “gone”").await;
    check("/comparisons/gone", 404, "There is no comparison “gone”").await;
    check("/comparisons/?name=%3Cb%3E", 404, "There is no comparison “&lt;b&gt;”").await;
    check("/comparisons/", 400, "missing field `name`").await;
    check("/probes/0123", 404, "This probe is not remembered").await;
    for path in ["/targets/%ff", "/comparisons/%ff", "/probes/%ff"] {
        check(path, 400, "Invalid UTF-8").await;
    }
    for path in ["/gone", "/targets", "/a/<b>/c"] {
        check(path, 404, "There is no page /").await;
    }
    check("/?state=sad", 400, "“sad” is not a state, expected one of failing, degraded").await;
    check("/?page=0", 400, "“0” is not a page, expected a number from 1").await;
    check("/?pages=1", 400, "unknown field `pages`").await;
    check("/targets/steady?show=good", 400, "“good” is not a choice").await;
}

#[tokio::test]
async fn recordings_are_offered_only_where_they_are_served() {
    for (flags, offered) in [(&[][..], false), (&["--web.enable-recordings"][..], true)] {
        let scene = Scene::usual_with(flags).await;
        let probes = scene.page("/targets/broken").await;
        let links = attribute(&probes, "href");
        let id = links.into_iter().find_map(|href| href.strip_prefix("../probes/")).unwrap();
        let page = scene.page(&format!("/probes/{id}")).await;
        let link = format!("../api/v1/probes/{id}/recording");
        assert_eq!(attribute(&page, "href").contains(&&*link), offered, "{page}");
        let status = scene.daemon.get(&link[2..]).await.status;
        assert_eq!(status == 200, offered, "{status}");
    }
}

/// Now beside before, on the first page and on the target's own.
#[tokio::test]
async fn windows_and_what_happened_are_shown() {
    let scene = Scene::usual().await;
    let first = scene.page("/").await;
    let row = first.split("<tr").find(|row| row.contains("data-key=\"steady\"")).unwrap();
    for (window, times) in [(">now<", 3), (">24 h<", 3), (">30 d<", 3)] {
        assert_eq!(row.matches(window).count(), times, "{window}: {row}");
    }
    let page = scene.page("/targets/steady").await;
    let (_, windows) = page.split_once("Now, hour, day, month").unwrap();
    let (windows, _) = windows.split_once("</table>").unwrap();
    for window in ["5 min (now)", "hour", "24 hours", "30 days"] {
        let row = windows.split("<tr").find(|row| row.contains(&format!("\"{window}\"")));
        let row = row.unwrap_or_else(|| panic!("{window}: {windows}"));
        assert!(row.contains(" ms") && row.contains("100 %"), "{row}");
    }
    assert!(!page.contains("What happened"), "nothing has");
}

/// Where the time went that no finished phase accounts for.
#[tokio::test]
async fn the_phase_that_a_failure_broke_off_is_shown() {
    let scene = Scene::start(|_, _| target("closed", "127.0.0.1:1".parse().unwrap(), "")).await;
    scene.probed(&["closed"]).await;
    let list = scene.daemon.get("/api/v1/targets/closed/probes?limit=1").await;
    let list: serde_json::Value = serde_json::from_str(list.text()).unwrap();
    let id = list["probes"][0]["id"].as_str().unwrap();
    let page = scene.page(&format!("/probes/{id}")).await;
    let row = page.split("<tr").find(|row| row.contains("unfinished")).unwrap();
    assert!(row.contains("Connect") && row.contains("<rect class=\"unfinished\""), "{row}");
    assert_eq!(page.matches("✕ unfinished").count(), 1);
}
