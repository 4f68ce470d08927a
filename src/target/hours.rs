//! When a target is probed at all: by weekday and hour. Pure: the caller says what time it is.

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60;

/// Times of the week in which a target is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveHours {
    /// Whether they begin on each day, Monday first.
    pub days: [bool; 7],
    /// Minutes after midnight, below 1440.
    pub from: u16,
    /// The same; not after `from` means on the next day.
    pub to: u16,
    /// Minutes that the clocks there are ahead of UTC.
    pub utc_offset: i16,
}

impl ActiveHours {
    /// Whether this moment (seconds since the Unix epoch) lies in them.
    #[must_use]
    pub fn contain(&self, unix_seconds: i64) -> bool {
        let minutes = unix_seconds.div_euclid(MINUTE) + i64::from(self.utc_offset);
        let (day, minute) = (minutes.div_euclid(DAY), minutes.rem_euclid(DAY));
        // The first day of the Unix epoch was a Thursday.
        let begins = |day: i64| {
            usize::try_from((day + 3).rem_euclid(7)).is_ok_and(|weekday| self.days[weekday])
        };
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        if from < to {
            return begins(day) && (from..to).contains(&minute);
        }
        (begins(day) && minute >= from) || (begins(day - 1) && minute < to)
    }
}

/// Whether a target with these hours is probed at this moment; without any, always.
#[must_use]
pub fn is_active(hours: &[ActiveHours], unix_seconds: i64) -> bool {
    hours.is_empty() || hours.iter().any(|hours| hours.contain(unix_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-05 was a Monday.
    const MONDAY: i64 = 1_767_571_200;

    fn at(day: i64, hour: i64, minute: i64) -> i64 {
        MONDAY + ((day * 24 + hour) * 60 + minute) * 60
    }

    const OFFICE: ActiveHours = ActiveHours {
        days: [true, true, true, true, true, false, false],
        from: 8 * 60,
        to: 18 * 60,
        utc_offset: 0,
    };

    #[test]
    fn on_weekdays_by_day() {
        let active = |day, hour, minute| is_active(&[OFFICE], at(day, hour, minute));
        assert!(active(0, 8, 0) && active(4, 17, 59));
        assert!(!(active(0, 7, 59) || active(0, 18, 0) || active(5, 12, 0) || active(6, 12, 0)));
        assert!(active(7, 9, 0) && active(-3, 9, 0), "the weeks before and after");
        assert!(is_active(&[], at(6, 3, 0)));
    }

    #[test]
    fn across_midnight_and_elsewhere() {
        let night = ActiveHours { from: 22 * 60, to: 6 * 60, ..OFFICE };
        let active = |day, hour| is_active(&[night], at(day, hour, 0));
        assert!(active(0, 22) && active(1, 5) && active(5, 5), "Friday's night ends on Saturday");
        assert!(!(active(0, 5) || active(1, 6) || active(5, 22)));
        let ahead = ActiveHours { utc_offset: 120, ..OFFICE };
        assert!(is_active(&[ahead], at(0, 6, 0)) && !is_active(&[ahead], at(0, 16, 0)));
        let behind = ActiveHours { utc_offset: -300, ..OFFICE };
        assert!(is_active(&[behind], at(0, 22, 59)) && !is_active(&[behind], at(0, 12, 59)));
        let all_day = ActiveHours { from: 0, to: 0, ..OFFICE };
        assert!(is_active(&[all_day], at(4, 23, 59)) && !is_active(&[all_day], at(5, 0, 0)));
        assert!(is_active(&[night, OFFICE], at(0, 12, 0)), "any of several");
    }
}
