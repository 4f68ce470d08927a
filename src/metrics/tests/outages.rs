//! What is exposed of targets that go unanswered.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Metrics, MetricsOptions, loaded, scrape, testing};
use crate::answer::failure::FailureReason;
use crate::regression::outage::Outage;
use crate::watcher::OutageWatch;

const LABELS: [(&str, &str); 1] = [("target", "prod")];

fn watch(seconds: u64) -> OutageWatch {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    OutageWatch::new("prod", Arc::new(move || now), Outage::default())
}

/// Of a target that failed twice after its last answer.
pub(super) fn failing() -> Arc<OutageWatch> {
    let watch = watch(1_700_000_000);
    for reason in [None, Some(FailureReason::Connect), Some(FailureReason::Timeout)] {
        let number = watch.begin();
        watch.observe(number, reason);
    }
    watch.confirm();
    Arc::new(watch)
}

fn exposed(metrics: &Metrics, name: &str) -> Option<f64> {
    scrape(metrics).value(&format!("llm_prober_{name}"), &LABELS)
}

#[test]
fn a_row_of_failures_and_since_when() {
    let metrics = loaded(&testing::config(vec![testing::target("prod")]));
    metrics.set_outages(vec![failing()]);
    assert_eq!(exposed(&metrics, "failures_in_a_row"), Some(2.0));
    assert_eq!(exposed(&metrics, "unanswered_since_timestamp_seconds"), Some(1_700_000_000.0));
    assert_eq!(exposed(&metrics, "confirming_probes_total"), Some(1.0));
}

/// 0 failures would say that it answers.
#[test]
fn nothing_is_said_before_the_first_probe() {
    let metrics = loaded(&testing::config(vec![testing::target("prod")]));
    metrics.set_outages(vec![Arc::new(watch(1))]);
    assert_eq!(exposed(&metrics, "failures_in_a_row"), None);
    assert_eq!(exposed(&metrics, "unanswered_since_timestamp_seconds"), None);
    assert_eq!(exposed(&metrics, "confirming_probes_total"), Some(0.0));
}

#[test]
fn a_target_that_is_gone_has_no_series() {
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.set_outages(vec![failing()]);
    assert_eq!(exposed(&metrics, "failures_in_a_row"), None);
}
