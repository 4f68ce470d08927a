//! The windows in the rules, scaled from a period of 30 days to another one.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use regex::{Captures, Regex};

use crate::text::units::parse_duration;

const DAY: Duration = Duration::from_secs(86_400);
/// The period that the files in `alerts/` are written for.
const PERIOD: Duration = Duration::from_secs(30 * 86_400);
/// Shorter windows hold too few scrapes at the usual intervals to see an increase.
const LEAST_WINDOW: Duration = Duration::from_secs(120);
/// In a rehearsal everything goes fast, scrapes too.
const LEAST_IN_REHEARSAL: Duration = Duration::from_secs(2);
const LEAST_INTERVAL: Duration = Duration::from_millis(250);

/// Whether a period is so short that it can only be meant as a rehearsal: a month in fast motion,
/// in which days, waits and evaluations shrink like the windows.
#[must_use]
pub fn is_rehearsal(period: Duration) -> bool {
    period < DAY
}

/// From the files' durations to those for a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    factor: f64,
    rehearsal: bool,
}

impl Scale {
    /// As the files are.
    pub const ONE: Self = Self { factor: 1.0, rehearsal: false };

    pub fn to(period: Duration) -> Self {
        let factor = period.as_secs_f64() / PERIOD.as_secs_f64();
        Self { factor, rehearsal: is_rehearsal(period) }
    }

    /// The range of a query.
    pub fn window(self, window: Duration) -> Duration {
        let least = if self.rehearsal { LEAST_IN_REHEARSAL } else { LEAST_WINDOW };
        rounded(window.mul_f64(self.factor)).max(least)
    }

    /// Days stay days, except in a rehearsal.
    fn shift(self, shift: Duration) -> Duration {
        if self.rehearsal { rounded(shift.mul_f64(self.factor)) } else { shift }
    }

    /// A wait (`for`), in the file's notation.
    pub fn wait(self, text: &str) -> String {
        replace(text, |d| self.shift(d))
    }

    /// How often a group is evaluated.
    pub fn interval(self, text: &str) -> String {
        replace(text, |d| self.shift(d).max(LEAST_INTERVAL))
    }

    /// A label value, if it is a duration.
    pub fn label(self, text: &str) -> String {
        replace(text, |d| self.window(d))
    }

    /// No shorter than a window: an answer takes its time in a rehearsal, too.
    fn age(self, age: Duration) -> Duration {
        if self.rehearsal { self.window(age) } else { age }
    }

    fn last_hour(self) -> String {
        const HOUR: Duration = Duration::from_secs(3600);
        let window = self.window(HOUR);
        let text = if window == HOUR { "hour".to_owned() } else { promql(window) };
        format!("the last {text}")
    }

    /// An expression, a record's name or a text: ranges, offsets, the windows at the end of
    /// records' names, and ages in seconds.
    pub fn text(self, text: &str) -> String {
        static WINDOWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
            let names = "rate|increase|mean|count|reference|regression";
            Regex::new(&format!(r"(\[|offset |the last |:[a-z_]*?(?:{names}))(\d+[smhdw])\b")).ok()
        });
        static AGES: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"(time\(\) - \([^>]*> )(\d+)\b").ok());
        let (Some(windows), Some(ages)) = (WINDOWS.as_ref(), AGES.as_ref()) else {
            return text.to_owned();
        };
        let scaled = windows.replace_all(text, |found: &Captures<'_>| {
            let shift = &found[1] == "offset ";
            let scale = |d| if shift { self.shift(d) } else { self.window(d) };
            format!("{}{}", &found[1], replace(&found[2], scale))
        });
        let scaled = scaled.replace("the last hour", &self.last_hour());
        let scaled = ages.replace_all(&scaled, |found: &Captures<'_>| {
            let age = found[2].parse().map(Duration::from_secs).map(|age| self.age(age));
            let seconds = age.map_or_else(|_| found[2].to_owned(), |a| a.as_secs_f64().to_string());
            format!("{}{seconds}", &found[1])
        });
        scaled.into_owned()
    }
}

/// The period in days.
pub(super) fn days(period: Duration) -> f64 {
    period.as_secs_f64() / DAY.as_secs_f64()
}

/// Prometheus' notation: `1h30m`, `2s500ms`.
pub(super) fn promql(duration: Duration) -> String {
    const UNITS: [(&str, u128); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Applies `scale` to a text that is a duration; leaves any other, and the notation where the
/// duration stays.
fn replace(text: &str, scale: impl Fn(Duration) -> Duration) -> String {
    match parse_duration(text) {
        Ok(duration) if scale(duration) != duration => promql(scale(duration)),
        _ => text.to_owned(),
    }
}

/// To whole seconds where that is fine enough to be told apart, else to milliseconds.
fn rounded(duration: Duration) -> Duration {
    if duration >= Duration::from_secs(60) {
        Duration::from_secs((duration + Duration::from_millis(500)).as_secs())
    } else {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1))
    }
}
