//! Length-delimited protobuf messages, with both halves of a traced histogram in one metric.

use std::fmt;

use prometheus::encoding::prometheus_protobuf::encode;
use prometheus::encoding::prometheus_protobuf::prometheus_data_model::{Metric, MetricFamily};
use prometheus::registry::Registry;
use prost::Message;

/// Families without a sample are left out.
///
/// # Errors
/// When the client library refuses a value.
pub(super) fn to_vec(registry: &Registry) -> Result<Vec<u8>, fmt::Error> {
    let mut bytes = Vec::new();
    for mut family in encode(registry)? {
        family.metric = join_halves(std::mem::take(&mut family.metric));
        if !family.metric.is_empty() {
            write(&family, &mut bytes)?;
        }
    }
    Ok(bytes)
}

fn write(family: &MetricFamily, bytes: &mut Vec<u8>) -> fmt::Result {
    family.encode_length_delimited(bytes).map_err(|_| fmt::Error)
}

/// No two series of a family have the same labels, so a metric with the labels of the one before
/// it is that one's classic half.
fn join_halves(metrics: Vec<Metric>) -> Vec<Metric> {
    let mut joined: Vec<Metric> = Vec::with_capacity(metrics.len());
    for metric in metrics {
        match joined.last_mut() {
            Some(native) if native.label == metric.label => {
                if let (Some(native), Some(classic)) = (&mut native.histogram, metric.histogram) {
                    native.bucket = classic.bucket;
                }
            }
            _ => joined.push(metric),
        }
    }
    joined
}
