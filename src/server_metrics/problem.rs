//! Why a metrics page says nothing.

use crate::text::shorten::shorten;
use crate::transport::control::ControlError;

/// The longest detail, in bytes: the server may have said it.
const MOST_DETAIL: usize = 200;

/// A closed set: each is logged once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// No connection, or it broke.
    #[error("the page cannot be reached")]
    Unreachable,
    /// Not in time.
    #[error("the page does not come in time")]
    Timeout,
    /// An HTTP status other than 200.
    #[error("the page answers with status {0}")]
    Status(u16),
    /// The page is larger than is read.
    #[error("the page is larger than 4 MiB, the most that is read")]
    TooLarge,
    /// The page is compressed, not by gzip or not correctly.
    #[error("the page is compressed in a way that cannot be read")]
    Encoding,
    /// The page has more series than are read.
    #[error("the page has too many series")]
    TooManySeries,
    /// No series that is known, of the model that is asked for.
    #[error("nothing on the page is known: another server or version, or another model")]
    Unknown,
    /// The prober's own settings: a secret or a certificate that cannot be read.
    #[error("a secret or certificate for the page cannot be read")]
    Settings,
}

/// A problem, and what the log may say about it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(super) struct Failed {
    pub problem: Problem,
    /// No secret is in it; often empty. Cut to a length that the log can do with.
    pub detail: String,
}

impl Failed {
    pub fn new(problem: Problem, detail: impl Into<String>) -> Self {
        Self { problem, detail: shorten(detail.into(), MOST_DETAIL) }
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::new(problem, "")
    }
}

impl From<ControlError> for Failed {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::TooLarge => Problem::TooLarge.into(),
            ControlError::Broken(_) => Self::new(Problem::Unreachable, error.to_string()),
            ControlError::AddressAsName | ControlError::Settings(_) => {
                Self::new(Problem::Settings, error.to_string())
            }
        }
    }
}
