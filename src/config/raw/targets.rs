//! The list under `targets`, which may not be of any length.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::target::Target;
use crate::config::keys::form::{Form, HasForm};

/// More are refused as soon as they are seen: reading them all takes its time, and memory.
pub(in crate::config) const MAX_TARGETS: usize = 10_000;

/// As they stand in the file, at most [`MAX_TARGETS`].
pub(in crate::config) struct Targets(pub Vec<Target>);

impl HasForm for Targets {
    fn form() -> Form {
        Vec::<Target>::form()
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(TargetsVisitor).map(Self)
    }
}

struct TargetsVisitor;

impl<'de> Visitor<'de> for TargetsVisitor {
    type Value = Vec<Target>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut targets = Vec::new();
        while let Some(target) = list.next_element()? {
            if targets.len() == MAX_TARGETS {
                let why =
                    format!("more than {MAX_TARGETS} targets, expected at most {MAX_TARGETS}");
                return Err(A::Error::custom(why));
            }
            targets.push(target);
        }
        Ok(targets)
    }
}
