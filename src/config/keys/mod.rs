//! What is known of each key of the configuration file: name, form, default, range, help, and
//! whether its value may be shown.
//!
//! It is said once, where the key is declared (`raw/`, by the macros of `declare.rs`). From it
//! follow the refusal of unknown keys, what an error and [`super::Config::redacted`] may show, the
//! JSON Schema ([`json_schema`]) and the reference page ([`reference()`]).

#[macro_use]
mod declare;
mod file;
pub(super) mod form;
pub(super) mod range;
mod reference;
mod schema;

pub(super) use self::file::{find, is_known, root};
pub(super) use self::form::{Choices, Form, HasForm, Show, Unsaid};
use self::range::Bounds;
pub(super) use self::range::Said;
pub use self::reference::reference;
pub use self::schema::json_schema;

/// What a message says of a range.
pub(super) fn range_in_words<T: Said>(range: &impl std::ops::RangeBounds<T>) -> String {
    Bounds::of(range).words()
}

#[cfg(test)]
mod tests;
