//! The reference page of the configuration, in Markdown.

use std::fmt::Write;

use super::file::root;
use super::form::Key;
use super::form::{Form, Section, Word};
use super::range::in_words;

const HEAD: &str = "\
# Configuration

One YAML file. `llm-prober check --config.file FILE` checks it whole and shows what it resolves to;
`llm-prober schema` prints its JSON Schema for editors. [`config/minimal.yml`](../config/minimal.yml)
shows how little is needed, [`config/llm-prober.example.yml`](../config/llm-prober.example.yml) a
whole file.

- A key that is not listed here is an error, and so is one that stands twice.
- Durations carry a unit: `500ms`, `15s`, `1h30m`, `30d`. Sizes do, too: `512KiB`, `8MiB`. Counts may
  end with `k`, `M` or `G`. Shares are percentages, `5%`.
- Relative paths start at the file's folder.
- Secrets come from files or environment variables; the file itself holds none.
- `/config` shows the configuration in force, with the defaults filled in. Header values, prompts and
  expected answers are not shown there, nor in any error.

This page is written from the keys as the program declares them.
";

/// The page, ending with a newline.
#[must_use]
pub fn reference() -> String {
    let mut sections = Vec::new();
    collect("", root(), &mut sections);
    let mut page = HEAD.to_owned();
    for (path, section) in &sections {
        let title = if path.is_empty() { "The file".to_owned() } else { format!("`{path}`") };
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {title}\n\n");
        if section.one_key {
            page.push_str("Exactly one of these keys.\n\n");
        }
        table(path, section, &sections, &mut page);
    }
    page
}

/// Every mapping with the path of keys that leads to it; one of the same name only once.
fn collect<'a>(path: &str, form: &'a Form, sections: &mut Vec<(String, &'a Section)>) {
    match form {
        Form::List(entry) => collect(&format!("{path}[]"), entry, sections),
        Form::Named(value) => collect(&join(path, "NAME"), value, sections),
        Form::OneOf(forms) => forms.iter().for_each(|form| collect(path, form, sections)),
        Form::Section(section) if sections.iter().all(|(_, known)| known.name != section.name) => {
            sections.push((path.to_owned(), section));
            for key in &section.keys {
                collect(&join(path, key.name), &key.form, sections);
            }
        }
        _ => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn table(path: &str, section: &Section, sections: &[(String, &Section)], page: &mut String) {
    let defaults = sections.iter().find(|(path, _)| path == "defaults");
    let shared = |key: &Key| {
        path == "targets[]" && defaults.is_some_and(|(_, section)| section.key(key.name).is_some())
    };
    if section.keys.iter().any(shared) {
        page.push_str("Beside these, every key of `defaults`.\n\n");
    }
    page.push_str("| Key | Value | Left out | Meaning |\n| --- | --- | --- | --- |\n");
    for key in section.keys.iter().filter(|key| !shared(key)) {
        let default = match (&key.default, key.otherwise) {
            (Some(default), _) => format!("`{}`", in_words(default)),
            (None, Some(otherwise)) => otherwise.to_owned(),
            (None, None) if key.required => "**required**".to_owned(),
            (None, None) => String::new(),
        };
        let cells = [format!("`{}`", key.name), value(key, sections), default, meaning(key)];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
}

fn value(key: &Key, sections: &[(String, &Section)]) -> String {
    let form = in_short(&key.form, sections);
    match &key.range {
        Some(range) => format!("{form}, {}", range.words()),
        None => form,
    }
}

fn in_short(form: &Form, sections: &[(String, &Section)]) -> String {
    let word = match form {
        Form::Text => "text",
        Form::Path => "path",
        Form::Switch => "`true` or `false`",
        Form::Whole => "whole number",
        Form::Number => "number",
        Form::Duration => "duration",
        Form::Size => "size",
        Form::Count => "count",
        Form::Percent => "percentage",
        Form::Gpu => "index or UUID of a GPU",
        Form::Object => "mapping",
        Form::Choice(words) => {
            let words: Vec<_> = words.iter().map(|w| format!("`{}`", w.word)).collect();
            return words.join(", ");
        }
        Form::List(entry) => {
            let entry = in_short(entry, sections);
            return match entry.strip_prefix("mapping") {
                Some(place) => format!("list of mappings{place}"),
                None => format!("list of: {entry}"),
            };
        }
        Form::Named(value) => {
            let value = in_short(value, sections);
            return match value.strip_prefix("mapping") {
                Some(place) => format!("mapping from names to mappings{place}"),
                None => format!("mapping from names to {value}"),
            };
        }
        Form::Section(section) => {
            let known = sections.iter().find(|(_, known)| known.name == section.name);
            return format!("mapping, see `{}`", known.map_or("", |(path, _)| path.as_str()));
        }
        Form::OneOf(forms) => {
            let forms: Vec<_> = forms.iter().map(|form| in_short(form, sections)).collect();
            return forms.join("; or ");
        }
    };
    word.to_owned()
}

/// The help, and what each word to choose means.
fn meaning(key: &Key) -> String {
    let words = words(&key.form).unwrap_or_default();
    let explained = words.iter().filter(|word| !word.help.is_empty());
    let explained = explained.map(|word| format!("<br>`{}`: {}", word.word, word.help));
    std::iter::once(key.help.clone()).chain(explained).collect()
}

fn words(form: &Form) -> Option<&[Word]> {
    match form {
        Form::Choice(words) => Some(words),
        Form::OneOf(forms) => forms.iter().find_map(words),
        Form::List(entry) => words(entry),
        _ => None,
    }
}
