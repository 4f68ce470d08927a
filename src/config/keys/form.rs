//! What may be written as a key's value.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::Value;
use serde_yaml::Spanned;

use super::range::{Bounds, Said};
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

/// Whether a value may be shown: in the effective configuration (`/config`), and in the line that
/// an error points at, which may hold anything under a wrong key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Show {
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
pub(in crate::config) struct Key {
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
pub(in crate::config) struct Unsaid(Key);

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
