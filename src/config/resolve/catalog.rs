//! Named things that other parts of the configuration refer to.

use indexmap::IndexMap;
use serde_yaml::Spanned;

use crate::config::confidential::is_plain;
use crate::config::error::Report;
use crate::config::labels::check_value;
use crate::config::raw::Named;
use crate::config::yaml::nearest;

/// Names listed in a message at most.
const MAX_LISTED: usize = 10;

/// Named things in the order of the file. One that failed its checks is kept as `None`, so that
/// references to it are not reported as unknown.
pub(super) struct Catalog<T> {
    kind: &'static str,
    items: IndexMap<String, Option<T>>,
}

impl<T: Clone> Catalog<T> {
    /// Resolves the entries of a section.
    pub(super) fn new<R>(
        kind: &'static str,
        section: &Named<R>,
        most: usize,
        report: &mut Report<'_>,
        mut resolve: impl FnMut(&Spanned<String>, &R, &mut Report<'_>) -> Option<T>,
    ) -> Self {
        let mut items = IndexMap::new();
        if let Some((beyond, _)) = section.get_index(most) {
            let why = format!("{} {kind}s, expected at most {most}", section.len());
            report.add::<()>(beyond.referenced, why);
        }
        for (name, raw) in section.iter().take(most) {
            let named = report.check(name.referenced, check_value(&name.value, true));
            let item = resolve(name, raw, report);
            items.insert(name.value.clone(), named.and(item));
        }
        Self { kind, items }
    }

    /// A catalog of built-in things.
    pub(super) fn built_in(
        kind: &'static str,
        items: impl IntoIterator<Item = (String, T)>,
    ) -> Self {
        Self { kind, items: items.into_iter().map(|(name, item)| (name, Some(item))).collect() }
    }

    /// Everything that passed.
    pub(super) fn all(&self) -> Vec<T> {
        self.items.values().flatten().cloned().collect()
    }

    /// What `name` refers to; `None` when it is unknown (reported) or failed its own checks.
    pub(super) fn find(&self, name: &Spanned<String>, report: &mut Report<'_>) -> Option<T> {
        match self.items.get(&name.value) {
            Some(item) => item.clone(),
            None => report.add(name.referenced, self.unknown(&name.value)),
        }
    }

    /// What a list of names refers to; each once.
    pub(super) fn find_all(&self, names: &[Spanned<String>], report: &mut Report<'_>) -> Vec<T> {
        let mut found = Vec::new();
        for (i, name) in names.iter().enumerate() {
            if names[..i].iter().any(|earlier| earlier.value == name.value) {
                let why = format!("this {} is named twice, expected once", self.kind);
                report.add::<()>(name.referenced, why);
            } else {
                found.extend(self.find(name, report));
            }
        }
        found
    }

    fn unknown(&self, name: &str) -> String {
        unknown(self.kind, name, self.items.keys().map(String::as_str))
    }
}

/// The message about a name that nothing has.
pub(super) fn unknown<'a>(
    kind: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let quoted = if is_plain(name) { format!(" `{name}`") } else { String::new() };
    if known.is_empty() {
        return format!("unknown {kind}{quoted}, none is defined");
    }
    let near = nearest(name, known.iter().copied());
    let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    let more = if known.len() > MAX_LISTED { ", …" } else { "" };
    let listed = known[..known.len().min(MAX_LISTED)].join(", ");
    format!("unknown {kind}{quoted}{hint}, expected one of: {listed}{more}")
}
