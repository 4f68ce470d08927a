//! What is known of each key of the configuration file: name, form, default, range, help, and
//! whether its value may be shown.
//!
//! It is said once, where the key is declared (`raw/`, by the macros of `declare.rs`). From it
//! follow the refusal of unknown keys, what an error and [`super::Config::redacted`] may show, the
//! JSON Schema ([`json_schema`]) and the reference page ([`reference()`]).

#[macro_use]
mod declare;
mod form;
mod range;
mod reference;
mod schema;

use std::sync::OnceLock;

use serde_json::Value;

pub(super) use self::form::{Choices, Form, HasForm, Word};
use self::range::Bounds;
pub(super) use self::range::{Said, above, between};
pub use self::reference::reference;
pub use self::schema::json_schema;
use super::raw::Raw;

/// Whether a value may be shown: in the effective configuration (`/config`), and in the line that
/// an error points at, which may hold anything under a wrong key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Harmless: a number, a name, the path of a file.
    Shown,
    /// A mapping: each key inside speaks for itself, and a bare value in its place is hidden.
    Inside,
    /// A URL, shown without credentials and without the values of its query.
    Address,
    /// Where a secret is found. Hidden in an error: the secret itself may stand there by mistake.
    Place,
    /// Keys of a request: numbers and switches are shown once they are in force.
    Settings,
    /// A mapping from names, which are shown, to values, which are not.
    Masked,
    /// A text of a request or an answer, or what belongs to captured requests.
    Private,
    /// As before, of many of which the number is shown.
    Counted,
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written in the file.
    pub name: &'static str,
    /// One paragraph, for whoever writes a file.
    pub help: String,
    /// What may be written as its value.
    pub form: Form,
    /// Whether its mapping is of no use without it.
    pub required: bool,
    pub show: Show,
    /// What holds where it is left out, if that is one value.
    pub default: Option<Value>,
    /// What holds where it is left out, in words.
    pub otherwise: Option<&'static str>,
    pub range: Option<Bounds>,
}

/// A key of which has not been said yet whether it is shown: it is of no use before.
pub(super) struct Unsaid(Key);

impl Unsaid {
    /// `name` may be a raw identifier.
    pub fn new<T: HasForm>(name: &'static str, help: &str) -> Self {
        let words: Vec<&str> = help.split_whitespace().collect();
        Self(Key {
            name: name.strip_prefix("r#").unwrap_or(name),
            help: words.join(" "),
            form: T::form(),
            required: !T::OPTIONAL,
            show: Show::Private,
            default: None,
            otherwise: None,
            range: None,
        })
    }

    fn say(self, show: Show) -> Key {
        Key { show, ..self.0 }
    }

    pub fn shown(self) -> Key {
        self.say(Show::Shown)
    }

    pub fn inside(self) -> Key {
        self.say(Show::Inside)
    }

    pub fn address(self) -> Key {
        self.say(Show::Address)
    }

    pub fn place(self) -> Key {
        self.say(Show::Place)
    }

    pub fn settings(self) -> Key {
        self.say(Show::Settings)
    }

    pub fn masked(self) -> Key {
        self.say(Show::Masked)
    }

    pub fn private(self) -> Key {
        self.say(Show::Private)
    }

    pub fn counted(self) -> Key {
        self.say(Show::Counted)
    }
}

impl Key {
    /// What holds where the key is left out.
    #[allow(clippy::needless_pass_by_value)] // declarations read better
    pub fn default(self, value: impl Said) -> Self {
        Self { default: Some(value.json()), ..self }
    }

    /// What holds where the key is left out, if it is not one value.
    pub fn otherwise(self, words: &'static str) -> Self {
        Self { otherwise: Some(words), ..self }
    }

    /// The file is of no use without the key, though its form would allow to leave it out.
    pub fn needed(self, needed: bool) -> Self {
        Self { required: needed, ..self }
    }

    /// The words that a text is one of.
    pub fn among(mut self, words: impl IntoIterator<Item = &'static str>) -> Self {
        let word = |word| Word { word, help: String::new() };
        let text = self.form.entries_mut();
        *text = Form::Choice(words.into_iter().map(word).collect());
        self
    }

    /// Which values are accepted.
    pub fn range<T: Said>(self, range: impl std::ops::RangeBounds<T>) -> Self {
        Self { range: Some(Bounds::of(&range)), ..self }
    }
}

/// What a message says of a range.
pub(super) fn range_in_words<T: Said>(range: &impl std::ops::RangeBounds<T>) -> String {
    Bounds::of(range).words()
}

/// The file: a mapping with every key.
pub(super) fn root() -> &'static Form {
    static ROOT: OnceLock<Form> = OnceLock::new();
    ROOT.get_or_init(Raw::form)
}

/// What may stand at the end of a path of keys, outermost first, and whether it is shown; `None`
/// where no key is known. A list is what its entries are.
pub(super) fn find(path: &[&str]) -> Option<(&'static Form, Show)> {
    let mut found = (root(), Show::Inside);
    for name in path {
        found = match found.0.entries() {
            Form::Named(value) => (value.entries(), found.1),
            other => {
                let key = other.as_section()?.key(name)?;
                (key.form.entries(), key.show)
            }
        };
    }
    Some(found)
}

/// Whether there is such a key anywhere.
pub(super) fn is_known(name: &str) -> bool {
    let mut found = false;
    root().visit(&mut |section| found |= section.key(name).is_some());
    found
}

#[cfg(test)]
mod tests;
