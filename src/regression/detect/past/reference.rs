//! What both kinds of reference have in common.

/// Fewer observations are no reference.
pub const REFERENCE_OBSERVATIONS: u64 = 500;

/// Why a reference cannot be frozen yet, or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceError {
    /// Fewer than [`REFERENCE_OBSERVATIONS`].
    TooFew {
        /// How many there are.
        observations: u64,
    },
    /// Half of the observations or more failed: there is no median to compare with.
    MostlyFailed,
}

impl std::fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooFew { observations } => write!(
                f,
                "expected at least {REFERENCE_OBSERVATIONS} observations for a reference, \
                 found {observations}"
            ),
            Self::MostlyFailed => {
                f.write_str("expected a reference with a median, found that most of it failed")
            }
        }
    }
}

impl std::error::Error for ReferenceError {}
