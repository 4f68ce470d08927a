//! Instants as people read them: UTC, and how long ago.

use std::time::{Duration, UNIX_EPOCH};

use maud::{Markup, html};

/// `2026-01-31T08:15:00.123Z`.
fn stamp(unix_nanos: i64) -> String {
    let since = Duration::from_nanos(u64::try_from(unix_nanos).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// Nanoseconds of milliseconds.
pub(super) fn of_millis(unix_millis: u64) -> i64 {
    i64::try_from(unix_millis).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

/// The time of day; with the date where that is not the date of `now`.
pub(super) fn time(unix_nanos: i64, now: i64) -> Markup {
    let (stamp, today) = (stamp(unix_nanos), stamp(now));
    let (date, clock) = (&stamp[..10], &stamp[11..19]);
    html! {
        time datetime=(stamp) { @if date != &today[..10] { (date) " " } (clock) }
    }
}

/// Date and time to the millisecond.
pub(super) fn exact(unix_nanos: i64) -> Markup {
    let stamp = stamp(unix_nanos);
    html! { time datetime=(stamp) { (stamp[..10]) " " (stamp[11..23]) " UTC" } }
}

/// The time of day of a minute: `08:15`.
pub(super) fn minute(unix_seconds: i64) -> String {
    stamp(unix_seconds.saturating_mul(1_000_000_000))[11..16].to_owned()
}

/// `12 s ago`.
pub(super) fn ago(unix_nanos: i64, now: i64) -> Markup {
    let seconds = now.saturating_sub(unix_nanos).max(0) / 1_000_000_000;
    let age = match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    };
    html! { time datetime=(stamp(unix_nanos)) { (age) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const NOON: i64 = 1_767_268_800 * SECOND; // 2026-01-01 12:00 UTC

    #[test]
    fn instants() {
        let text = |markup: Markup| markup.into_string();
        let stamp = r#"<time datetime="2026-01-01T12:00:00.000Z">"#;
        assert_eq!(text(time(NOON, NOON + SECOND)), format!("{stamp}12:00:00</time>"));
        let tomorrow = time(NOON, NOON + 86_400 * SECOND);
        assert_eq!(text(tomorrow), format!("{stamp}2026-01-01 12:00:00</time>"));
        assert_eq!(text(exact(NOON)), format!("{stamp}2026-01-01 12:00:00.000 UTC</time>"));
        assert_eq!(minute(NOON / SECOND + 60), "12:01");
    }

    #[test]
    fn ages() {
        let check = |seconds: i64, expect: &str| {
            let found = ago(NOON, NOON + seconds * SECOND).into_string();
            assert!(found.contains(&format!(">{expect}<")), "{found}");
        };
        check(-3, "0 s ago");
        check(119, "119 s ago");
        check(120, "2 min ago");
        check(7_200, "2 h ago");
        check(500_000, "5 d ago");
    }
}
