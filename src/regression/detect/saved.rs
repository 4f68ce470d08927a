//! The written form of detectors, gates and references.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the written form. Another version is refused, not guessed at.
pub const STATE_VERSION: u32 = 1;

#[derive(Serialize)]
struct Outgoing<'a, T> {
    version: u32,
    state: &'a T,
}

#[derive(Deserialize)]
struct Incoming {
    version: u32,
    state: Value,
}

/// Why a state cannot be taken up again.
#[derive(Debug)]
pub enum RestoreError {
    /// Written by another version.
    Version(u32),
    /// Not the state that was asked for; says where.
    Malformed(serde_json::Error),
}

impl std::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(found) => write!(
                f,
                "expected detection state of version {STATE_VERSION}, found version {found}"
            ),
            Self::Malformed(error) => write!(f, "expected detection state: {error}"),
        }
    }
}

impl std::error::Error for RestoreError {}

/// Writes a detector, a gate, a reference, or a collection of them, as JSON.
///
/// # Errors
/// None for the types of this module; a caller's own type may refuse to be serialised.
pub fn save<T: Serialize>(state: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Outgoing { version: STATE_VERSION, state })
}

/// Reads what [`save`] wrote; it goes on bit for bit as if it had never stopped.
///
/// # Errors
/// Another version, or another shape than `T`.
pub fn restore<T: DeserializeOwned>(json: &str) -> Result<T, RestoreError> {
    let incoming: Incoming = serde_json::from_str(json).map_err(RestoreError::Malformed)?;
    if incoming.version != STATE_VERSION {
        return Err(RestoreError::Version(incoming.version));
    }
    serde_json::from_value(incoming.state).map_err(RestoreError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused_by_name() {
        let error = restore::<u64>(r#"{"version": 7, "state": {"new": 1}}"#).unwrap_err();
        assert_eq!(error.to_string(), "expected detection state of version 1, found version 7");
        let error = restore::<u64>(r#"{"version": 1, "state": "x"}"#).unwrap_err();
        assert!(error.to_string().starts_with("expected detection state: "), "{error}");
    }
}
