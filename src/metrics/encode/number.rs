//! The value of a sample.

/// Counts stay whole numbers in text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::metrics) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::Unsigned(value.into())
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Signed(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl Number {
    /// As the text formats have it.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(value) => write_count(value, out),
            Self::Signed(value) => {
                out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            Self::Float(value) => write_float(value, out),
        }
    }

    /// As the protobuf messages have it.
    #[allow(clippy::cast_precision_loss)] // every sample is stored as such
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Unsigned(value) => value as f64,
            Self::Signed(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

pub(super) fn write_count(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A whole number keeps its `.0`, and infinity its sign, as the formats ask for.
pub(super) fn write_float(value: f64, out: &mut Vec<u8>) {
    let mut buffer = dtoa::Buffer::new();
    let text = match value {
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        value => buffer.format(value),
    };
    out.extend_from_slice(text.as_bytes());
}
