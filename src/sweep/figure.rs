//! The figures of a level by their names: for conditions, intervals and tables.

use strum::{IntoStaticStr, VariantArray};

use super::level::Level;
use super::statistics::Statistics;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// A share, 0 to 1.
    Share,
    /// Anything else.
    Number,
}

/// A latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Latency {
    /// Time to first token.
    Ttft,
    /// Time to second token.
    Ttst,
    /// Inter-token latency.
    Itl,
    /// Request latency.
    RequestLatency,
}

/// Which number of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Statistic {
    /// The mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The median.
    P50,
    /// The quantile 0.90.
    P90,
    /// The quantile 0.95.
    P95,
    /// The quantile 0.99.
    P99,
    /// The standard deviation.
    Std,
}

/// A figure that is one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Single {
    /// Completed requests per second.
    RequestRate,
    /// Output tokens per second.
    OutputTokensPerSecond,
    /// Output tokens per second that one user sees.
    OutputTokensPerSecondPerUser,
    /// Good requests per second.
    Goodput,
    /// Good / sent.
    Attainment,
    /// Failed / sent, arrivals that could not be sent included.
    ErrorRatio,
    /// How late requests began.
    ScheduleDelayP99,
    /// Content events that shared a read.
    CoalescedRatio,
}

/// A figure of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Of a sample.
    Sampled(Latency, Statistic),
    /// By itself.
    Single(Single),
}

impl Figure {
    /// Every one, in the order of tables.
    pub fn all() -> impl Iterator<Item = Self> {
        let sampled = Latency::VARIANTS.iter().flat_map(|latency| {
            Statistic::VARIANTS.iter().map(move |statistic| Self::Sampled(*latency, *statistic))
        });
        sampled.chain(Single::VARIANTS.iter().map(|single| Self::Single(*single)))
    }

    /// Its name, such as `ttft_p95` or `attainment`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Sampled(latency, statistic) => {
                let (latency, statistic): (&str, &str) = (latency.into(), statistic.into());
                format!("{latency}_{statistic}")
            }
            Self::Single(single) => {
                let name: &str = single.into();
                name.to_owned()
            }
        }
    }

    /// What it counts.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Sampled(..) | Self::Single(Single::ScheduleDelayP99) => Unit::Seconds,
            Self::Single(Single::Attainment | Single::ErrorRatio | Single::CoalescedRatio) => {
                Unit::Share
            }
            Self::Single(_) => Unit::Number,
        }
    }

    /// Its value; `None` where it was not observed.
    #[must_use]
    pub fn of(self, level: &Level) -> Option<f64> {
        match self {
            Self::Sampled(latency, statistic) => Some(statistic.of(latency.of(level)?)),
            Self::Single(single) => single.of(level),
        }
    }
}

impl Latency {
    /// Its sample in numbers.
    #[must_use]
    pub fn of(self, level: &Level) -> Option<&Statistics> {
        match self {
            Self::Ttft => level.ttft.as_ref(),
            Self::Ttst => level.ttst.as_ref(),
            Self::Itl => level.itl.as_ref(),
            Self::RequestLatency => level.request_latency.as_ref(),
        }
    }
}

impl Statistic {
    fn of(self, sample: &Statistics) -> f64 {
        match self {
            Self::Avg => sample.avg,
            Self::Min => sample.min,
            Self::Max => sample.max,
            Self::P50 => sample.p50,
            Self::P90 => sample.p90,
            Self::P95 => sample.p95,
            Self::P99 => sample.p99,
            Self::Std => sample.std,
        }
    }
}

impl Single {
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    fn of(self, level: &Level) -> Option<f64> {
        match self {
            Self::RequestRate => level.request_rate,
            Self::OutputTokensPerSecond => level.output_tokens_per_second,
            Self::OutputTokensPerSecondPerUser => level.output_tokens_per_second_per_user,
            Self::Goodput => level.goodput,
            Self::Attainment => level.attainment,
            Self::ErrorRatio => {
                let all = level.completed + level.failed();
                (all > 0).then(|| level.failed() as f64 / all as f64)
            }
            Self::ScheduleDelayP99 => level.schedule_delay_p99,
            Self::CoalescedRatio => level.coalesced_ratio,
        }
    }
}
