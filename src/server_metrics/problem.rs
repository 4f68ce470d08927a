//! Why a metrics page says nothing.

/// A closed set: each is logged once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// No connection, or it broke.
    Unreachable,
    /// Not in time.
    Timeout,
    /// An HTTP status other than 200.
    Status(u16),
    /// The page is larger than is read.
    TooLarge,
    /// The page is compressed, not by gzip or not correctly.
    Encoding,
    /// The page has more series than are read.
    TooManySeries,
    /// No series that is known, of the model that is asked for.
    Unknown,
    /// The prober's own settings: a secret or a certificate that cannot be read.
    Settings,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the page cannot be reached"),
            Self::Timeout => f.write_str("the page does not come in time"),
            Self::Status(status) => write!(f, "the page answers with status {status}"),
            Self::TooLarge => f.write_str("the page is larger than 4 MiB, the most that is read"),
            Self::Encoding => f.write_str("the page is compressed in a way that cannot be read"),
            Self::TooManySeries => f.write_str("the page has too many series"),
            Self::Unknown => f.write_str(
                "nothing on the page is known: another server or version, or another model",
            ),
            Self::Settings => f.write_str("a secret or certificate for the page cannot be read"),
        }
    }
}
