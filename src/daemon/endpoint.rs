//! What a target was when it was last probed: a change while the program was not running is a
//! change all the same.

use serde::{Deserialize, Serialize};

use crate::target::{Moved, Target};

/// Which server and model a target's figures are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Endpoint {
    /// A fingerprint of the URL: whatever is in it, it cannot be read back.
    url: u64,
    /// `None` asks the server.
    model: Option<String>,
}

impl Endpoint {
    pub fn of(target: &Target) -> Self {
        // FNV-1a, the same in every release.
        let url = target.url.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { url, model: target.model.clone() }
    }

    /// What makes `next` another one.
    pub fn moved_to(&self, next: &Self) -> Option<Moved> {
        Moved::of(self.url != next.url, self.model != next.model)
    }
}
