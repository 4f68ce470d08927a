//! The one way in which tests wait for something.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;

/// The longest that anything is waited for; a limit, not a measurement.
pub const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(20);

/// Looks again and again until there is what is waited for. An error is what there is instead: the
/// last one is told when patience ends.
pub async fn eventually<T, E: Display>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(instead) => {
                assert!(Instant::now() < deadline, "waited in vain for {what}:\n{instead}");
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// `value` if it is what is waited for, and else itself as an error.
pub fn only_if<T: Display>(holds: bool, value: T) -> Result<T, T> {
    if holds { Ok(value) } else { Err(value) }
}
