//! How a server is loaded in one level.

use std::fmt;

use strum::IntoStaticStr;

/// The load of one level.
#[derive(Debug, Clone, Copy, PartialEq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Load {
    /// So many users, each of whom asks again when answered.
    Closed {
        /// At least one.
        users: u32,
    },
    /// So many arrivals per second on average, however slow the answers are.
    Open {
        /// Positive.
        rate: f64,
        /// Requests under way at most; an arrival beyond cannot be sent.
        in_flight: u32,
    },
}

impl Load {
    /// Requests under way at most.
    #[must_use]
    pub fn concurrency(self) -> u32 {
        match self {
            Self::Closed { users } => users,
            Self::Open { in_flight, .. } => in_flight,
        }
    }

    /// Arrivals per second; `None` in a closed loop.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { rate, .. } => Some(rate),
        }
    }

    /// What levels are ordered by: users, or arrivals per second.
    #[must_use]
    pub fn size(self) -> f64 {
        self.rate().unwrap_or_else(|| self.concurrency().into())
    }

    /// Whether this is the size, as somebody wrote it.
    #[must_use]
    pub fn has_size(self, size: f64) -> bool {
        self.size().to_bits() == size.to_bits()
    }

    /// `closed` or `open`.
    #[must_use]
    pub fn loop_name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { users: 1 } => f.write_str("1 user"),
            Self::Closed { users } => write!(f, "{users} users"),
            Self::Open { rate, .. } => write!(f, "{rate} requests/s"),
        }
    }
}
