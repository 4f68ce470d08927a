//! One endpoint against its own past.

mod by_hour;
mod detector;
mod hours;
mod latency_reference;
mod reference;
mod share_detector;
mod share_reference;
mod usual;

pub use detector::PastDetector;
pub use hours::HourOfDay;
pub use latency_reference::{DayFit, LatencyReference, LatencyReferenceBuilder};
pub use reference::{REFERENCE_OBSERVATIONS, ReferenceError};
pub use share_detector::ShareDetector;
pub use share_reference::{ShareReference, ShareReferenceBuilder};

#[cfg(test)]
pub(super) use {
    detector::ln_factors as past_ln_factors, share_detector::ln_factors as share_ln_factors,
    share_detector::ln_recovering,
};
