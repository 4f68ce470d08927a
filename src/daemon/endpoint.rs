//! What a target was when it was last probed: a change while the program was not running is a
//! change all the same.

use serde::{Deserialize, Serialize};

use crate::target::{Moved, Target};
use crate::text::fnv::{BASIS, fnv1a};

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
        let url = fnv1a(BASIS, target.url.as_str().as_bytes());
        Self { url, model: target.model.clone() }
    }

    /// What makes `next` another one.
    pub fn moved_to(&self, next: &Self) -> Option<Moved> {
        Moved::of(self.url != next.url, self.model != next.model)
    }
}
