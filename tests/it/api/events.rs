//! Live updates.

use llm_prober::web::WebOptions;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::api::Page;
use crate::common::eventually::{PATIENCE, eventually, only_if};

/// Reads until a whole event of this kind is there; its data.
async fn event(response: &mut Response, kind: &str) -> Value {
    let mut text = String::new();
    let until = async {
        loop {
            let wanted = text.split("\n\n").find_map(|event| {
                let data = event.strip_prefix(&format!("event: {kind}\ndata: "))?;
                serde_json::from_str(data).ok()
            });
            if let Some(data) = wanted {
                return data;
            }
            let bytes = response.chunk().await.unwrap().expect("the stream goes on");
            text += std::str::from_utf8(&bytes).unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, until).await.expect("an event")
}

#[tokio::test]
async fn each_probe_that_ends_is_an_event() {
    let page = Page::lively(WebOptions::default()).await;
    let mut events = page.ask(Method::GET, "/api/v1/events").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let probe = event(&mut events, "probe").await;
    let id = probe["id"].as_str().unwrap();
    let found = page.get(&format!("/api/v1/probes/{id}")).await;
    assert_eq!(found["summary"], probe);
}

#[tokio::test]
async fn only_so_many_of_one_address_listen() {
    let page = Page::of(crate::api::LIVELY, WebOptions::default()).await;
    let mut open = Vec::new();
    for _ in 0..16 {
        let events = page.ask(Method::GET, "/api/v1/events").await;
        assert_eq!(events.status(), 200);
        open.push(events);
    }
    let (status, refusal) = page.json("/api/v1/events").await;
    assert_eq!(status, 429, "{refusal}");
    // Who goes makes room.
    open.clear();
    let room = async || {
        let status = page.ask(Method::GET, "/api/v1/events").await.status();
        only_if(status == 200, status)
    };
    eventually("room", room).await;
}
