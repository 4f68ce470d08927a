//! The effective configuration as YAML, fit for showing: what each key says of itself is done.
//! What no key is known for is masked.

use serde_json::{Value, json};
use url::Url;

use super::effective::{Node, effective};
use super::keys::{self, Form, Show};
use super::resolved::Config;
use crate::explain::shown;

const MASK: &str = "<secret>";

/// The text of the page.
///
/// # Errors
/// The library's, if it cannot write a value.
pub(super) fn render(config: &Config) -> Result<String, ShowError> {
    let page = redact(keys::root(), Show::Inside, effective(config));
    Ok(serde_yaml::to_string(&page)?)
}

/// The configuration cannot be written as YAML.
#[derive(Debug, thiserror::Error)]
#[error("cannot show the configuration: {0}")]
pub struct ShowError(#[from] serde_yaml::SerializeError);

/// A value of this form as it may be shown.
fn redact(form: &Form, show: Show, node: Node) -> Node {
    match (form, node) {
        (_, Node::List(list)) if show != Show::Private => {
            let entries = list.into_iter().map(|node| redact(form.entries(), show, node));
            Node::List(entries.collect())
        }
        (Form::Named(value), Node::Keys(keys)) => {
            let shown = keys.into_iter().map(|(name, node)| (name, redact(value, show, node)));
            Node::Keys(shown.collect())
        }
        (Form::Object, Node::Keys(keys)) if show == Show::Settings => {
            Node::Keys(keys.into_iter().map(|(name, node)| (name, setting(node))).collect())
        }
        (_, Node::Leaf(value)) => Node::Leaf(leaf(show, value)),
        (form, Node::Keys(keys)) => {
            let section = form.as_section();
            let entry = |(name, node): (String, Node)| {
                let node = match section.and_then(|section| section.key(&name)) {
                    Some(key) => redact(&key.form, key.show, node),
                    None => Node::Leaf(json!(MASK)),
                };
                (name, node)
            };
            Node::Keys(keys.into_iter().map(entry).collect())
        }
        (_, Node::List(_)) => Node::Leaf(leaf(show, Value::Null)),
    }
}

fn leaf(show: Show, value: Value) -> Value {
    match show {
        Show::Shown | Show::Place => value,
        Show::Address => match value.as_str().map(Url::parse) {
            Some(Ok(url)) => json!(shown(&url)),
            _ => json!(MASK),
        },
        Show::Private => json!("<not shown>"),
        Show::Counted => match value.as_u64() {
            Some(count) => json!(format!("<{count} not shown>")),
            None => json!("<not shown>"),
        },
        Show::Inside | Show::Settings | Show::Masked => json!(MASK),
    }
}

/// Numbers and switches are settings; a text could be anything.
fn setting(node: Node) -> Node {
    match node {
        Node::Leaf(Value::Null | Value::Bool(_) | Value::Number(_)) => node,
        _ => Node::Leaf(json!(MASK)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(page: Value) -> Value {
        let shown = redact(keys::root(), Show::Inside, page.into());
        serde_json::to_value(shown).unwrap()
    }

    /// Whoever adds a key to the configuration and forgets it here gives nothing away.
    #[test]
    fn what_no_key_is_known_for_is_masked() {
        assert_eq!(
            redacted(json!({"targets": [{"name": "a", "password": "hush"}], "hush": {"a": 1}})),
            json!({"targets": [{"name": "a", "password": MASK}], "hush": MASK}),
        );
    }

    #[test]
    fn each_key_is_shown_as_it_says() {
        let target = json!({
            "url": "https://h/v1?key=hush",
            "headers": {"x-team": "hush"},
            "extra_body": {"temperature": 0, "user": "hush", "tools": ["hush"]},
            "auth": {"bearer_token_env": "TOKEN"},
            "labels": {"a": "b"},
        });
        let workload = json!({"prompts": 3, "expect": {"contains": "hush", "finish": ["stop"]}});
        let shown = redacted(json!({"targets": [target], "workloads": {"w": workload}}));
        assert_eq!(
            shown,
            json!({
                "targets": [{
                    "url": "https://h/v1?key=<secret>",
                    "headers": {"x-team": MASK},
                    "extra_body": {"temperature": 0, "user": MASK, "tools": MASK},
                    "auth": {"bearer_token_env": "TOKEN"},
                    "labels": {"a": "b"},
                }],
                "workloads": {"w": {
                    "prompts": "<3 not shown>",
                    "expect": {"contains": "<not shown>", "finish": ["stop"]},
                }},
            }),
        );
    }
}
