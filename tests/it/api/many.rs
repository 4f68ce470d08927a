//! A thousand targets.

use std::fmt::Write;

use llm_prober::web::WebOptions;

use crate::api::Page;

#[tokio::test]
async fn a_thousand_targets_fit_in_one_answer() {
    let mut config = "defaults: {interval: 10h}\ntargets:\n".to_owned();
    for i in 0..1_000 {
        writeln!(config, "  - {{name: t{i:04}, url: 'http://{{server}}/v1', model: m}}").unwrap();
    }
    let page = Page::of(&config, WebOptions::default()).await;
    let list = page.get("/api/v1/targets?limit=1000").await;
    assert_eq!(
        (list["total"].as_u64(), list["targets"].as_array().unwrap().len()),
        (Some(1_000), 1_000)
    );
    let list = page.get("/api/v1/targets?offset=998").await;
    assert_eq!(list["targets"][1]["name"], "t0999");
}
