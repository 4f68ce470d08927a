//! Defaults and ranges, as people write them and as JSON.

use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::percent::HumanPercent;
use crate::config::quantity::{HumanCount, HumanSize};

/// A value as it is written in a file.
pub(in crate::config) trait Said {
    fn json(&self) -> Value;
}

macro_rules! said {
    ($($type:ty),*) => {
        $(impl Said for $type {
            fn json(&self) -> Value {
                json!(self)
            }
        })*
    };
}

said!(bool, u32, u64, usize, f64, &str);

impl Said for Duration {
    /// In the largest unit that it is a whole number of.
    fn json(&self) -> Value {
        const UNITS: [(u128, &str); 4] =
            [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        let millis = self.as_millis();
        if millis == 0 {
            return json!("0s");
        }
        let unit = UNITS.iter().find(|(unit, _)| millis.is_multiple_of(*unit));
        let (unit, name) = unit.unwrap_or(&(1, "ms"));
        json!(format!("{}{name}", millis / unit))
    }
}

impl Said for HumanSize {
    fn json(&self) -> Value {
        json!(self.to_string())
    }
}

impl Said for HumanCount {
    fn json(&self) -> Value {
        json!(self.to_string())
    }
}

impl Said for HumanPercent {
    fn json(&self) -> Value {
        json!(self.to_string())
    }
}

/// More than the first, at most the second.
pub(in crate::config) const fn above<T>(least: T, most: T) -> (Bound<T>, Bound<T>) {
    (Bound::Excluded(least), Bound::Included(most))
}

/// More than the first, less than the second.
pub(in crate::config) const fn between<T>(least: T, most: T) -> (Bound<T>, Bound<T>) {
    (Bound::Excluded(least), Bound::Excluded(most))
}

/// A value for people: texts without quotes, whole numbers without a point.
pub(super) fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string())
        }
        other => other.to_string(),
    }
}

/// A range of any type.
#[derive(Debug)]
pub(in crate::config) struct Bounds {
    pub least: Bound<Value>,
    pub most: Bound<Value>,
}

impl Bounds {
    pub fn of<T: Said>(range: &impl RangeBounds<T>) -> Self {
        let [least, most] = [range.start_bound(), range.end_bound()].map(|b| b.map(Said::json));
        Self { least, most }
    }

    /// For people.
    pub fn words(&self) -> String {
        use Bound::{Excluded, Included, Unbounded};
        let least = match &self.least {
            Included(least) => Some(in_words(least)),
            Excluded(least) => Some(format!("more than {}", in_words(least))),
            Unbounded => None,
        };
        match (least, &self.most) {
            (Some(least), Included(most)) if matches!(self.least, Included(_)) => {
                format!("{least} to {}", in_words(most))
            }
            (Some(least), Included(most)) => format!("{least}, at most {}", in_words(most)),
            (Some(least), Excluded(most)) => format!("{least}, less than {}", in_words(most)),
            (Some(least), Unbounded) if matches!(self.least, Included(_)) => {
                format!("at least {least}")
            }
            (Some(least), Unbounded) => least,
            (None, Included(most)) => format!("at most {}", in_words(most)),
            (None, Excluded(most)) => format!("less than {}", in_words(most)),
            (None, Unbounded) => "any".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_in_words() {
        let words = |bounds: Bounds| bounds.words();
        let [second, week] = [1, 7 * 86_400].map(Duration::from_secs);
        assert_eq!(words(Bounds::of(&(second..=week))), "1s to 7d");
        assert_eq!(words(Bounds::of(&above(0.0, 1e6))), "more than 0, at most 1000000");
        assert_eq!(words(Bounds::of(&between(0.9306, 1.0))), "more than 0.9306, less than 1");
        assert_eq!(words(Bounds::of(&(1_u64..))), "at least 1");
    }

    #[test]
    fn durations_in_their_largest_unit() {
        let check = |millis, expect| {
            assert_eq!(Duration::from_millis(millis).json(), json!(expect));
        };
        check(0, "0s");
        check(10, "10ms");
        check(90_000, "90s");
        check(60_000, "1m");
        check(90 * 86_400_000, "90d");
    }
}
