//! Something for each hour of the day.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::hours::{HOURS, HourOfDay};

/// One for each hour of the day, written down as a list of them all. An hour of which nothing was
/// seen takes no memory: every stream of every target has this, and begins with nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ByHour<T>(Vec<(u8, T)>);

impl<T: Default> ByHour<T> {
    /// That of an hour, to be changed.
    pub fn of(&mut self, hour: HourOfDay) -> &mut T {
        let index = u8::try_from(hour.index()).unwrap_or_default(); // below 24
        let at = self.0.partition_point(|(known, _)| *known < index);
        if self.0.get(at).is_none_or(|(known, _)| *known != index) {
            self.0.reserve_exact(1);
            self.0.insert(at, (index, T::default()));
        }
        &mut self.0[at].1
    }

    /// That of the hour with this index; `None` where nothing was seen of it.
    pub fn get(&self, hour: usize) -> Option<&T> {
        self.0.iter().find(|(known, _)| usize::from(*known) == hour).map(|(_, value)| value)
    }

    /// Those that there are.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<T: Default + Clone> ByHour<T> {
    /// All of the day.
    pub fn all(&self) -> [T; HOURS] {
        std::array::from_fn(|hour| self.get(hour).cloned().unwrap_or_default())
    }
}

impl<T: Default + Serialize> Serialize for ByHour<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nothing = T::default();
        serializer.collect_seq((0..HOURS).map(|hour| self.get(hour).unwrap_or(&nothing)))
    }
}

impl<'de, T: Default + PartialEq + Deserialize<'de>> Deserialize<'de> for ByHour<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<T>::deserialize(deserializer)?;
        if all.len() != HOURS {
            return Err(D::Error::invalid_length(all.len(), &"one for each of 24 hours"));
        }
        let nothing = T::default();
        let hours = (0_u8..).zip(all);
        Ok(Self(hours.filter(|(_, value)| *value != nothing).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_a_whole_day_and_read_back_without_the_hours_that_hold_nothing() {
        let mut counts = ByHour::<u64>::default();
        for (hour, count) in [(23, 1), (7, 2), (7, 3)] {
            *counts.of(HourOfDay::of_unix_seconds(hour * 3600)) += count;
        }
        assert_eq!((counts.get(7), counts.get(8), counts.values().sum()), (Some(&5), None, 6_u64));
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, "[0,0,0,0,0,0,0,5,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]");
        let back: ByHour<u64> = serde_json::from_str(&text).unwrap();
        assert_eq!((&back, back.0.len()), (&counts, 2));
        let error = serde_json::from_str::<ByHour<u64>>("[0,1]").unwrap_err().to_string();
        assert!(error.contains("invalid length 2, expected one for each of 24 hours"), "{error}");
    }
}
