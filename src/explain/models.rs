//! The models that a server lists, as far as they are shown.

/// So many names are shown.
const SHOWN: usize = 10;
/// Of each, so many characters.
const MAX_NAME: usize = 80;

/// A server's list of models, held against the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The first names, fit for showing.
    names: Vec<String>,
    /// How many more there are.
    more: usize,
    /// Whether the one that was asked for is among all of them.
    has_asked: bool,
}

impl Listed {
    /// What is kept of a list.
    #[must_use]
    pub fn new(ids: &[String], asked: &str) -> Self {
        let name = |id: &String| -> String { id.chars().take(MAX_NAME).collect() };
        Self {
            names: ids.iter().take(SHOWN).map(name).collect(),
            more: ids.len().saturating_sub(SHOWN),
            has_asked: ids.iter().any(|id| id == asked),
        }
    }

    /// Says that the list does not have the model; `None` where it has.
    pub(super) fn lacks(&self, asked: &str) -> Option<String> {
        if self.has_asked {
            return None;
        }
        let names: Vec<_> = self.names.iter().map(|name| format!("`{name}`")).collect();
        Some(match (names.is_empty(), self.more) {
            (true, _) => format!("the server does not list the model `{asked}`; its list is empty"),
            (false, 0) => {
                let names = names.join(", ");
                format!("the server does not list the model `{asked}`; it lists: {names}")
            }
            (false, more) => {
                let names = names.join(", ");
                format!(
                    "the server does not list the model `{asked}`; it lists: {names} and {more} more"
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_shown_within_limits() {
        let ids = |n: usize| (0..n).map(|i| format!("m{i}")).collect::<Vec<_>>();
        let check = |ids: &[String], expect: Option<&str>| {
            assert_eq!(Listed::new(ids, "mine").lacks("mine").as_deref(), expect);
        };
        check(&["mine".to_owned()], None);
        check(&[], Some("the server does not list the model `mine`; its list is empty"));
        check(&ids(2), Some("the server does not list the model `mine`; it lists: `m0`, `m1`"));
        let many = "the server does not list the model `mine`; it lists: `m0`, `m1`, `m2`, `m3`, \
                    `m4`, `m5`, `m6`, `m7`, `m8`, `m9` and 15 more";
        check(&ids(25), Some(many));
        let mut late = ids(25);
        late.push("mine".to_owned());
        check(&late, None);
        let long = Listed::new(&["x".repeat(10_000)], "mine").lacks("mine").unwrap();
        assert!(long.len() < 200, "{long}");
    }
}
