//! Lists of models, in the shapes of many servers.

use serde_json::Value;

/// One page of a server's list of models.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelPage {
    /// The names on it.
    pub names: Vec<String>,
    /// The path and query of the next one, below the base URL; `None` on the last.
    pub next: Option<String>,
}

impl ModelPage {
    /// A list that has no further pages; `None` for what is no list of models.
    pub(super) fn only(list: &Value) -> Option<Self> {
        Some(Self { names: names(list)?.map(str::to_owned).collect(), next: None })
    }
}

/// The names in a list of models: OpenAI's `{"data": […]}`, Ollama's and others' `{"models": […]}`,
/// or the list alone; `None` for what is no such list, or one that names none of its models.
pub(super) fn names(list: &Value) -> Option<impl Iterator<Item = &str>> {
    let list = match list {
        Value::Object(object) => object.get("data").or_else(|| object.get("models"))?,
        other => other,
    };
    let list = list.as_array()?;
    let nameless = !list.is_empty() && !list.iter().any(|model| name(model).is_some());
    (!nameless).then(|| list.iter().filter_map(name))
}

fn name(model: &Value) -> Option<&str> {
    let keys = ["id", "name", "model"];
    let name = keys.iter().find_map(|key| model.get(*key)?.as_str()).or(model.as_str());
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_many_shapes() {
        let check = |list: &str, expect: Option<&[&str]>| {
            let value: Value = serde_json::from_str(list).unwrap();
            let found = names(&value).map(Iterator::collect::<Vec<_>>);
            assert_eq!(found.as_deref(), expect, "{list}");
        };
        check(r#"{"object":"list","data":[{"id":"a"},{"id":"b"}]}"#, Some(&["a", "b"]));
        check(r#"[{"id":"a","type":"chat"},{"id":"b"}]"#, Some(&["a", "b"]));
        check(r#"["a", "b"]"#, Some(&["a", "b"]));
        check(r#"{"models":[{"name":"a","model":"a:latest"}]}"#, Some(&["a"]));
        check(r#"{"data":[{"name":"a"},{"id":""},7]}"#, Some(&["a"]));
        check(r#"{"models":[{"name":"x"}],"data":[{"id":"a"}]}"#, Some(&["a"]));
        check(r#"{"data":[]}"#, Some(&[]));
        for other in [
            r#"{"data":{}}"#,
            r#"{"data":[{"object":"model"}]}"#,
            r#"{"error":"x"}"#,
            "7",
            "null",
            r#""a""#,
        ] {
            check(other, None);
        }
    }
}
