//! When a reference is collected anew, and when not.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use llm_prober::daemon::Daemon;
use llm_prober::simulate::SimulatorConfig;
use llm_prober::web::{self, Site, WebOptions};
use tokio_util::sync::CancellationToken;

use super::{HOUR, Rig, alarms, lively, of_workload, slower, value};
use crate::seconds;

async fn post(daemon: &Arc<Daemon>, query: &str) -> (StatusCode, String) {
    let request = Request::post(format!("/-/reference{query}")).body(Body::empty()).unwrap();
    let site = Site::new(Arc::clone(daemon), WebOptions::default(), CancellationToken::new());
    let response = TowerToHyperService::new(web::router(site)).call(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Acknowledged: what is usual now is right.
#[tokio::test(start_paused = true)]
async fn on_request() {
    let rig = Rig::new(SimulatorConfig { script: vec![slower(6, 100)], ..lively() });
    let daemon = rig.daemon("reference: 4h");
    seconds(9 * HOUR).await;
    assert_eq!(value(&daemon, "alarm_active", "ttft"), Some(1.0));
    for (query, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("?target=a&wrong=1", StatusCode::BAD_REQUEST),
        ("?target=b", StatusCode::NOT_FOUND),
        ("?target=a&workload=v", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(post(&daemon, query).await.0, status, "{query}");
    }
    assert_eq!(value(&daemon, "alarm_active", "ttft"), Some(1.0));
    let (status, body) = post(&daemon, "?target=a&workload=w").await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::OK, "the reference begins anew; workloads: 1\n")
    );
    assert_eq!(value(&daemon, "alarm_active", "ttft"), None);
    assert_eq!(value(&daemon, "alarms_total", "ttft"), Some(1.0));
    seconds(12 * HOUR).await;
    assert_eq!(value(&daemon, "alarm_active", "ttft"), Some(0.0), "slow is usual now");
    assert_eq!(alarms(&daemon), 1.0);
}

#[tokio::test(start_paused = true)]
async fn only_where_it_is_enabled() {
    let rig = Rig::new(lively());
    let daemon = rig.daemon("enabled: false");
    seconds(HOUR).await;
    assert_eq!(super::exposed(&daemon), Vec::<String>::new());
    assert_eq!(post(&daemon, "?target=a").await.0, StatusCode::CONFLICT);
    // And a reload brings it to probers that go on.
    rig.write("", "enabled: true");
    daemon.reload().await.unwrap();
    seconds(HOUR).await;
    assert!(of_workload(&daemon, "reference_samples") > Some(200.0));
}

#[tokio::test(start_paused = true)]
async fn with_another_version_but_not_with_any_other_reload() {
    let rig = Rig::new(lively());
    let daemon = rig.daemon("reference: 4h");
    seconds(6 * HOUR).await;
    let complete = of_workload(&daemon, "reference_timestamp_seconds");
    let evidence = value(&daemon, "evidence", "ttft");
    assert!(complete.is_some() && evidence.is_some());
    for (target, change) in
        [("", "reference: 4h"), (", max_in_flight: 9", "reference: 4h"), ("", "reference: 5h")]
    {
        rig.write(target, change);
        daemon.reload().await.unwrap();
        assert_eq!(value(&daemon, "evidence", "ttft"), evidence, "{target}");
        assert_eq!(of_workload(&daemon, "reference_timestamp_seconds"), complete, "{target}");
    }
    rig.write(", version: {model_version: '2'}", "reference: 4h");
    daemon.reload().await.unwrap();
    assert_eq!(value(&daemon, "evidence", "ttft"), None);
    assert_eq!(of_workload(&daemon, "reference_samples"), Some(0.0));
    seconds(5 * HOUR).await;
    assert!(of_workload(&daemon, "reference_timestamp_seconds") > complete);
}
