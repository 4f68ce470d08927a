//! `gpu`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::parts::Maybe;
use crate::config::gpu_words::WatchWord;
use crate::target::gpu_settings::RETRY;
use crate::text::units::HumanDuration;

pub(in crate::config) const RETRIES: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(86_400);

keys! {
    optional struct Gpu {
        /// Whether GPUs are watched: `auto`, where there are any; `true`, so that a machine without
        /// is worth a warning; `false`, not at all.
        enabled: Option<WatchWord> => shown.default("auto"),
        /// Each process's memory, with the name of its program.
        processes: bool => shown.default(false),
        /// NVIDIA's management library, `libnvidia-ml.so.1`.
        library: Maybe<PathBuf> => shown.otherwise("the system's"),
        /// How long after a failure the driver is looked for again.
        retry: Maybe<HumanDuration> => shown.default(RETRY).range(RETRIES),
    }
}
