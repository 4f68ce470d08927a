//! A hash by the name of each field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hash::{Hash, Hashed};

/// A hash by the name of each field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(BTreeMap<String, u64>);

impl Fingerprint {
    pub(super) fn field(&mut self, name: &str, value: &(impl Hashed + ?Sized)) {
        self.0.insert(name.to_owned(), Hash::of(value));
    }

    /// Adds a number, such as that of a definition.
    pub fn number(&mut self, name: &str, number: u64) {
        self.field(name, &number);
    }

    /// Adds a share or a factor.
    pub fn float(&mut self, name: &str, number: f64) {
        self.field(name, &number);
    }

    /// Adds a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.field(name, text);
    }

    /// Adds all fields of a part, behind its name.
    pub fn part(&mut self, name: &str, part: Self) {
        let fields = part.0.into_iter();
        self.0.extend(fields.map(|(field, hash)| (format!("{name} {field}"), hash)));
    }

    /// The fields that are not what they were, or are there on one side only; none of equals.
    #[must_use]
    pub fn differing(&self, earlier: &Self) -> Vec<String> {
        let both = self.0.keys().chain(earlier.0.keys());
        let mut names: Vec<_> =
            both.filter(|n| self.0.get(*n) != earlier.0.get(*n)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}

/// From fields by name.
impl FromIterator<(String, u64)> for Fingerprint {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// The fields, by name.
impl IntoIterator for Fingerprint {
    type Item = (String, u64);
    type IntoIter = std::collections::btree_map::IntoIter<String, u64>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Names of fields for people: the first few, and how many more.
#[must_use]
pub fn in_words(fields: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = fields[..fields.len().min(SHOWN)].join(", ");
    match fields.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
