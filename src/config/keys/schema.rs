//! The JSON Schema of the file, for editors.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use super::file::root;
use super::form::Key;
use super::form::{Form, Section};
use super::range::Bounds;

/// The JSON Schema (draft 2020-12) of a configuration file, ending with a newline.
///
/// It knows names, forms, defaults and ranges of numbers; what one key has to do with another (a
/// target's name that must exist, a price that a budget needs) only `llm-prober check` knows.
#[must_use]
pub fn json_schema() -> String {
    let mut shared = BTreeMap::new();
    root().visit(&mut |inner| {
        shared.entry(inner.name.clone()).or_insert_with(|| section(inner));
    });
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A configuration of llm-prober",
    });
    if let Value::Object(schema) = &mut schema {
        schema.extend(root().as_section().map(section).unwrap_or_default());
        let used = shared
            .into_iter()
            .filter(|(name, _)| root().as_section().is_none_or(|r| r.name != *name));
        schema.insert("$defs".to_owned(), used.map(|(name, s)| (name, Value::Object(s))).collect());
    }
    format!("{schema:#}\n")
}

fn section(section: &Section) -> Map<String, Value> {
    let properties: Map<_, _> =
        section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<_> = section.keys.iter().filter(|k| k.required).map(|k| k.name).collect();
    let mut schema = Map::new();
    let mut put = |key: &str, value: Value| schema.insert(key.to_owned(), value);
    put("type", json!("object"));
    put("additionalProperties", json!(false));
    put("properties", Value::Object(properties));
    if !required.is_empty() {
        put("required", json!(required));
    }
    if section.one_key {
        put("minProperties", json!(1));
        put("maxProperties", json!(1));
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = of_form(&key.form);
    schema.insert("description".to_owned(), json!(description(key)));
    if let Some(default) = &key.default {
        schema.insert("default".to_owned(), default.clone());
    }
    if let Some(range) = &key.range
        && matches!(key.form, Form::Whole | Form::Number)
    {
        schema.extend(bounds(range));
    }
    Value::Object(schema)
}

/// What a schema cannot say, in words.
fn description(key: &Key) -> String {
    let range = key.range.as_ref().map(|range| format!(" Range: {}.", range.words()));
    let otherwise = key.otherwise.map(|otherwise| format!(" Left out: {otherwise}."));
    [Some(key.help.clone()), range, otherwise].into_iter().flatten().collect()
}

fn bounds(range: &Bounds) -> Vec<(String, Value)> {
    let entry = |inclusive: &str, exclusive: &str, bound: &Bound<Value>| match bound {
        Bound::Included(value) => Some((inclusive.to_owned(), value.clone())),
        Bound::Excluded(value) => Some((exclusive.to_owned(), value.clone())),
        Bound::Unbounded => None,
    };
    let least = entry("minimum", "exclusiveMinimum", &range.least);
    let most = entry("maximum", "exclusiveMaximum", &range.most);
    least.into_iter().chain(most).collect()
}

fn of_form(form: &Form) -> Map<String, Value> {
    let schema = match form {
        Form::Text | Form::Path => json!({"type": "string"}),
        Form::Switch => json!({"type": "boolean"}),
        Form::Whole => json!({"type": "integer", "minimum": 0}),
        Form::Number => json!({"type": "number"}),
        Form::Duration => json!({"type": "string", "pattern": r"^\s*(\d+\s*[a-zA-Zµ]+\s*)+$"}),
        Form::Size => json!({"type": "string", "pattern": "^\\d+ ?([kMG]|[KMG]i)?B$"}),
        Form::Count => {
            json!({"type": ["integer", "string"], "minimum": 0, "pattern": "^\\d+ ?[kMG]?$"})
        }
        Form::Percent => json!({"type": "string", "pattern": r"^[0-9.]+\s*%$"}),
        Form::Gpu => json!({
            "type": ["integer", "string"], "minimum": 0, "pattern": "^GPU-[0-9A-Fa-f-]{36}$"
        }),
        Form::Choice(words) => json!({"enum": words.iter().map(|w| w.word).collect::<Vec<_>>()}),
        Form::Object => json!({"type": "object"}),
        Form::List(entry) => json!({"type": "array", "items": of_form(entry)}),
        Form::Named(value) => json!({"type": "object", "additionalProperties": of_form(value)}),
        Form::Section(section) => json!({"$ref": format!("#/$defs/{}", section.name)}),
        Form::OneOf(forms) => json!({"anyOf": forms.iter().map(of_form).collect::<Vec<_>>()}),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}
