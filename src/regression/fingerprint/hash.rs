//! Values as 64 bits, the same on every machine and in every release.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

/// FNV-1a: the standard library's hash may change with its version.
pub(super) struct Hash(u64);

impl Hash {
    /// Of one value.
    pub fn of(value: &(impl Hashed + ?Sized)) -> u64 {
        let mut hash = Self(0xcbf2_9ce4_8422_2325);
        value.add_to(&mut hash);
        hash.0
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    }
}

/// What can be part of a fingerprint. Of what has parts the number comes first, so that two values
/// do not run into one.
pub(super) trait Hashed {
    fn add_to(&self, hash: &mut Hash);
}

impl Hashed for u64 {
    fn add_to(&self, hash: &mut Hash) {
        hash.bytes(&self.to_le_bytes());
    }
}

impl Hashed for u32 {
    fn add_to(&self, hash: &mut Hash) {
        u64::from(*self).add_to(hash);
    }
}

impl Hashed for usize {
    fn add_to(&self, hash: &mut Hash) {
        (*self as u64).add_to(hash);
    }
}

impl Hashed for bool {
    fn add_to(&self, hash: &mut Hash) {
        u64::from(*self).add_to(hash);
    }
}

impl Hashed for f64 {
    fn add_to(&self, hash: &mut Hash) {
        self.to_bits().add_to(hash);
    }
}

impl Hashed for Duration {
    fn add_to(&self, hash: &mut Hash) {
        self.as_secs().add_to(hash);
        self.subsec_nanos().add_to(hash);
    }
}

impl Hashed for str {
    fn add_to(&self, hash: &mut Hash) {
        self.len().add_to(hash);
        hash.bytes(self.as_bytes());
    }
}

impl Hashed for String {
    fn add_to(&self, hash: &mut Hash) {
        self.as_str().add_to(hash);
    }
}

impl<T: Hashed + ?Sized> Hashed for &T {
    fn add_to(&self, hash: &mut Hash) {
        (**self).add_to(hash);
    }
}

impl<T: Hashed> Hashed for Option<T> {
    fn add_to(&self, hash: &mut Hash) {
        self.is_some().add_to(hash);
        if let Some(value) = self {
            value.add_to(hash);
        }
    }
}

impl<T: Hashed> Hashed for [T] {
    fn add_to(&self, hash: &mut Hash) {
        self.len().add_to(hash);
        for value in self {
            value.add_to(hash);
        }
    }
}

impl<T: Hashed> Hashed for Vec<T> {
    fn add_to(&self, hash: &mut Hash) {
        self.as_slice().add_to(hash);
    }
}

impl<A: Hashed, B: Hashed> Hashed for (A, B) {
    fn add_to(&self, hash: &mut Hash) {
        self.0.add_to(hash);
        self.1.add_to(hash);
    }
}

impl<A: Hashed, B: Hashed, C: Hashed> Hashed for (A, B, C) {
    fn add_to(&self, hash: &mut Hash) {
        (&self.0, &self.1).add_to(hash);
        self.2.add_to(hash);
    }
}

impl Hashed for BTreeMap<String, String> {
    fn add_to(&self, hash: &mut Hash) {
        self.len().add_to(hash);
        for entry in self {
            entry.add_to(hash);
        }
    }
}

/// The order of its keys says nothing.
impl Hashed for Map<String, Value> {
    fn add_to(&self, hash: &mut Hash) {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        entries.add_to(hash);
    }
}

impl Hashed for Value {
    fn add_to(&self, hash: &mut Hash) {
        let kind = match self {
            Self::Null => 0_u32,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
        };
        kind.add_to(hash);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.add_to(hash),
            Self::Number(value) => value.to_string().add_to(hash),
            Self::String(value) => value.add_to(hash),
            Self::Array(values) => values.add_to(hash),
            Self::Object(entries) => entries.add_to(hash),
        }
    }
}
