//! Floats that survive being written down.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A float whose text form gives back the same bits, infinities included: JSON has no infinity,
/// and its parsers may miss the last bit of a number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Exact(pub f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:e}", self.0))
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Exact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number as text, such as \"1.5e0\" or \"-inf\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
        match text.parse::<f64>() {
            Ok(value) if !value.is_nan() => Ok(Exact(value)),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_keeps_every_bit(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            let text = serde_json::to_string(&Exact(value)).unwrap();
            let back: Exact = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.0.to_bits(), bits);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["\"NaN\"", "\"x\"", "1.5"] {
            let error = serde_json::from_str::<Exact>(text).unwrap_err().to_string();
            assert!(error.contains("a number as text"), "{text}: {error}");
        }
    }
}
