//! The words of the GPU settings.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::target::gpu_settings::{GpuId, Watch};

/// `auto`, `true` or `false`.
#[derive(Clone, Copy)]
pub(super) struct WatchWord(pub Watch);

struct WatchVisitor;

impl Visitor<'_> for WatchVisitor {
    type Value = WatchWord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("auto, true or false")
    }

    fn visit_bool<E: de::Error>(self, yes: bool) -> Result<WatchWord, E> {
        Ok(WatchWord(if yes { Watch::Always } else { Watch::Never }))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WatchWord, E> {
        match text {
            "auto" => Ok(WatchWord(Watch::Auto)),
            _ => Err(E::custom("not a valid value, expected auto, true or false")),
        }
    }
}

impl<'de> Deserialize<'de> for WatchWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WatchVisitor)
    }
}

/// An index or a UUID.
#[derive(Clone)]
pub(super) struct GpuName(pub GpuId);

const GPU_EXPECTED: &str = "the driver's index of a GPU, such as 0, or its UUID, such as \
                            GPU-8f6cbf8e-0000-0000-0000-000000000000";
/// The highest index that a driver gives.
const MAX_INDEX: u64 = 63;

struct GpuVisitor;

impl Visitor<'_> for GpuVisitor {
    type Value = GpuName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GPU_EXPECTED)
    }

    fn visit_u64<E: de::Error>(self, index: u64) -> Result<GpuName, E> {
        match u32::try_from(index) {
            Ok(small) if index <= MAX_INDEX => Ok(GpuName(GpuId::Index(small))),
            _ => Err(E::custom(format!("no such GPU, expected {GPU_EXPECTED}"))),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GpuName, E> {
        let hexadecimal = |c: char| c.is_ascii_hexdigit() || c == '-';
        match text.strip_prefix("GPU-") {
            Some(rest) if rest.len() == 36 && rest.chars().all(hexadecimal) => {
                Ok(GpuName(GpuId::Uuid(text.to_owned())))
            }
            _ => Err(E::custom(format!("not a GPU, expected {GPU_EXPECTED}"))),
        }
    }
}

impl<'de> Deserialize<'de> for GpuName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GpuVisitor)
    }
}
