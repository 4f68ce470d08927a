//! Times of day as they are written in a file.

/// Minutes after midnight, as `08:30`.
pub(super) fn time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Minutes ahead of UTC, as `+02:00`.
pub(super) fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{}", time(minutes.unsigned_abs()))
}
