//! Which targets are shown: a form that works without a script.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde::Deserialize;

use crate::config::Config;
use crate::memory::history::State;
use crate::target::Target;
use crate::web::page::{link, state};

/// Suggested labels at most.
const SUGGESTIONS: usize = 200;

/// As it stands in the address. A form sends empty values for what nobody filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web::page) struct Query {
    q: String,
    state: String,
    workload: String,
    label: String,
    page: String,
}

/// What was asked for; empty texts take everything.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Filter {
    text: String,
    pub state: Option<State>,
    workload: String,
    label: String,
    /// Counted from 1.
    pub page: usize,
}

/// An address that no form makes.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    #[error("“{0}” is not a state, expected one of {names}", names = State::ALL.map(State::as_str).join(", "))]
    State(String),
    #[error("“{0}” is not a page, expected a number from 1")]
    Page(String),
}

impl Filter {
    /// Says what is wrong with an address that no form makes.
    pub fn of(query: Query) -> Result<Self, FilterError> {
        let state = match query.state.as_str() {
            "" => None,
            name => Some({
                let known = State::ALL.into_iter().find(|s| s.as_str() == name);
                known.ok_or_else(|| FilterError::State(name.to_owned()))?
            }),
        };
        let page = match query.page.as_str() {
            "" => 1,
            page => page
                .parse()
                .ok()
                .filter(|page| *page > 0)
                .ok_or_else(|| FilterError::Page(page.to_owned()))?,
        };
        let Query { q, workload, label, .. } = query;
        Ok(Self {
            text: q.trim().to_owned(),
            state,
            workload,
            label: label.trim().to_owned(),
            page,
        })
    }

    pub fn takes(&self, target: &Target, state: State) -> bool {
        let workload = |name: &str| target.workloads.iter().any(|w| w.name == name);
        self.state.is_none_or(|wanted| wanted == state)
            && (self.workload.is_empty() || workload(&self.workload))
            && (self.label.is_empty() || labelled(target, &self.label))
            && (self.text.is_empty() || mentions(target, &self.text.to_lowercase()))
    }

    pub fn with_state(&self, state: State) -> String {
        Self { state: Some(state), page: 1, ..self.clone() }.address()
    }

    pub fn with_page(&self, page: usize) -> String {
        Self { page, ..self.clone() }.address()
    }

    fn address(&self) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let state = self.state.map_or("", State::as_str);
        let fields = [
            ("q", &*self.text),
            ("state", state),
            ("workload", &*self.workload),
            ("label", &*self.label),
            ("page", &*page),
        ];
        let given = fields.iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<_> = given.map(|(k, v)| format!("{k}={}", link::encode(v))).collect();
        format!("./{}{}", if given.is_empty() { "" } else { "?" }, given.join("&"))
    }

    /// The form, filled in as it was sent.
    pub fn form(&self, config: &Config) -> Markup {
        let workloads: BTreeSet<_> =
            config.targets.iter().flat_map(|t| &t.workloads).map(|w| &*w.name).collect();
        let labels: BTreeSet<_> = config.targets.iter().flat_map(|t| &t.labels).collect();
        html! {
            form.filter role="search" aria-label="Targets" method="get" action="./" data-instant="" {
                div {
                    label for="text" { "Text" }
                    input #text type="search" name="q" value=(self.text) placeholder="name, model or label" autocomplete="off";
                }
                div {
                    label for="state" { "State" }
                    select #state name="state" {
                        option value="" { "any" }
                        @for state in State::ALL {
                            option value=(state.as_str()) selected[self.state == Some(state)] { (state::word(state)) }
                        }
                    }
                }
                div {
                    label for="workload" { "Workload" }
                    select #workload name="workload" {
                        option value="" { "any" }
                        @for name in workloads {
                            option value=(name) selected[name == self.workload] { (name) }
                        }
                    }
                }
                @if !labels.is_empty() {
                    div {
                        label for="label" { "Label" }
                        input #label name="label" value=(self.label) list="labels" placeholder="key=value" autocomplete="off";
                    }
                    datalist #labels {
                        @for (key, value) in labels.into_iter().take(SUGGESTIONS) { option value={ (key) "=" (value) } {} }
                    }
                }
                button { "Apply" }
                a href="./" { "Clear" }
            }
        }
    }
}

/// `key=value`, or what has been typed of it so far.
fn labelled(target: &Target, wanted: &str) -> bool {
    target.labels.iter().any(|(key, value)| format!("{key}={value}").starts_with(wanted))
}

fn mentions(target: &Target, text: &str) -> bool {
    let contains = |field: &str| field.to_lowercase().contains(text);
    contains(&target.name)
        || target.model.as_deref().is_some_and(contains)
        || target.labels.iter().any(|(key, value)| contains(&format!("{key}={value}")))
        || target.workloads.iter().any(|w| contains(&w.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn filter(pairs: &[(&str, &str)]) -> Result<Filter, FilterError> {
        let value =
            |key: &str| pairs.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| v).to_owned();
        let query = Query {
            q: value("q"),
            state: value("state"),
            workload: value("workload"),
            label: value("label"),
            page: value("page"),
        };
        Filter::of(query)
    }

    #[test]
    fn what_it_takes() {
        let mut target = testing::target("Prod-EU");
        target.labels.insert("team".to_owned(), "search".to_owned());
        let check = |pairs: &[(&str, &str)], expect: bool| {
            assert_eq!(filter(pairs).unwrap().takes(&target, State::Failing), expect, "{pairs:?}");
        };
        check(&[], true);
        check(&[("q", " prod ")], true);
        check(&[("q", "TINY")], true); // the model
        check(&[("q", "team=sea")], true);
        check(&[("q", "staging")], false);
        check(&[("state", "failing"), ("workload", "chat"), ("label", "team=search")], true);
        check(&[("state", "healthy")], false);
        check(&[("workload", "cha")], false);
        check(&[("label", "team=ads")], false);
        check(&[("label", "search")], false);
    }

    #[test]
    fn its_address_is_itself() {
        let asked = filter(&[("q", "a&b=ü"), ("state", "degraded"), ("page", "3")]).unwrap();
        assert_eq!(asked.address(), "./?q=a%26b%3D%C3%BC&state=degraded&page=3");
        assert_eq!(asked.with_state(State::Failing), "./?q=a%26b%3D%C3%BC&state=failing");
        assert_eq!(filter(&[]).unwrap().address(), "./");
    }

    #[test]
    fn nonsense_is_refused() {
        let states = "expected one of failing, degraded, not_probed, healthy";
        let said = |pairs: &[_]| filter(pairs).unwrap_err().to_string();
        assert_eq!(said(&[("state", "x")]), format!("“x” is not a state, {states}"));
        for page in ["0", "-1", "x"] {
            assert!(said(&[("page", page)]).contains("expected a number from 1"));
        }
    }
}
