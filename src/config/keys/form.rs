//! What may be written as a key's value.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde_yaml::Spanned;

use super::Key;
use crate::config::gpu_words::{GpuName, WatchWord};
use crate::config::percent::HumanPercent;
use crate::config::quantity::{HumanCount, HumanSize};
use crate::text::units::HumanDuration;

/// The form of a value.
#[derive(Debug)]
pub(in crate::config) enum Form {
    Text,
    /// Of a file or folder, relative to the folder of the configuration.
    Path,
    /// `true` or `false`.
    Switch,
    /// A whole number, not negative.
    Whole,
    Number,
    /// `15s`.
    Duration,
    /// `8MiB`.
    Size,
    /// `200k`.
    Count,
    /// `5%`.
    Percent,
    /// A GPU's index or UUID.
    Gpu,
    /// One of these words.
    Choice(Vec<Word>),
    /// A JSON object that goes into a request.
    Object,
    List(Box<Form>),
    /// A mapping from names of the user's choice.
    Named(Box<Form>),
    Section(Section),
    OneOf(Vec<Form>),
}

/// A word to choose.
#[derive(Debug)]
pub(in crate::config) struct Word {
    pub word: &'static str,
    pub help: String,
}

/// A mapping with keys of this program's choice.
#[derive(Debug)]
pub(in crate::config) struct Section {
    /// The type's, in snake case.
    pub name: String,
    pub keys: Vec<Key>,
    /// Exactly one of the keys is written.
    pub one_key: bool,
}

impl Section {
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// What may be written where a value of this type is read.
pub(in crate::config) trait HasForm {
    /// Whether a key of this type may be left out.
    const OPTIONAL: bool = false;

    fn form() -> Form;
}

impl Form {
    pub fn section(type_name: &str, keys: Vec<Key>) -> Self {
        Self::Section(Section { name: snake_case(type_name), keys, one_key: false })
    }

    /// Of a list its entries, of anything else itself.
    pub fn entries(&self) -> &Self {
        match self {
            Self::List(entry) => entry.entries(),
            other => other,
        }
    }

    pub fn entries_mut(&mut self) -> &mut Self {
        match self {
            Self::List(entry) => entry.entries_mut(),
            other => other,
        }
    }

    /// The mapping, where one may be written.
    pub fn as_section(&self) -> Option<&Section> {
        match self {
            Self::Section(section) => Some(section),
            Self::OneOf(forms) => forms.iter().find_map(Self::as_section),
            _ => None,
        }
    }

    /// Every mapping in and below this one, outermost first.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Section)) {
        match self {
            Self::List(inner) | Self::Named(inner) => inner.visit(see),
            Self::OneOf(forms) => forms.iter().for_each(|form| form.visit(see)),
            Self::Section(section) => {
                see(section);
                section.keys.iter().for_each(|key| key.form.visit(see));
            }
            _ => {}
        }
    }
}

/// Collects what `choices!` declares.
#[derive(Default)]
pub(in crate::config) struct Choices {
    words: Vec<Word>,
    keys: Vec<Key>,
}

impl Choices {
    pub fn word(&mut self, word: &'static str, help: &str) {
        let help: Vec<&str> = help.split_whitespace().collect();
        self.words.push(Word { word, help: help.join(" ") });
    }

    pub fn key(&mut self, key: Key) {
        self.keys.push(Key { required: false, ..key });
    }

    pub fn into_form(self, type_name: &str) -> Form {
        let Self { words, keys } = self;
        let (no_words, no_keys) = (words.is_empty(), keys.is_empty());
        let choice = Form::Choice(words);
        let section = Form::Section(Section { name: snake_case(type_name), keys, one_key: true });
        match (no_words, no_keys) {
            (_, true) => choice,
            (true, false) => section,
            (false, false) => Form::OneOf(vec![choice, section]),
        }
    }
}

/// `AuthHeader` is `auth_header`.
fn snake_case(type_name: &str) -> String {
    let mut name = String::new();
    for c in type_name.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

macro_rules! forms {
    ($($type:ty => $form:expr,)*) => {
        $(impl HasForm for $type {
            fn form() -> Form {
                $form
            }
        })*
    };
}

forms! {
    String => Form::Text,
    PathBuf => Form::Path,
    u64 => Form::Whole,
    f64 => Form::Number,
    HumanDuration => Form::Duration,
    HumanSize => Form::Size,
    HumanCount => Form::Count,
    HumanPercent => Form::Percent,
    GpuName => Form::Gpu,
    WatchWord => {
        let auto = Word { word: "auto", help: String::new() };
        Form::OneOf(vec![Form::Choice(vec![auto]), Form::Switch])
    },
    serde_json::Map<String, serde_json::Value> => Form::Object,
}

impl HasForm for bool {
    const OPTIONAL: bool = true;

    fn form() -> Form {
        Form::Switch
    }
}

impl<T: HasForm> HasForm for Option<T> {
    const OPTIONAL: bool = true;

    fn form() -> Form {
        T::form()
    }
}

impl<T: HasForm> HasForm for Spanned<T> {
    fn form() -> Form {
        T::form()
    }
}

impl<T: HasForm> HasForm for Vec<T> {
    fn form() -> Form {
        Form::List(Box::new(T::form()))
    }
}

impl<T: HasForm> HasForm for IndexMap<Spanned<String>, T> {
    const OPTIONAL: bool = true;

    fn form() -> Form {
        Form::Named(Box::new(T::form()))
    }
}
