//! `/runbook`: what to do when an alert fires, at hand where the alert's link may not lead.

use std::sync::LazyLock;

use axum::response::Response;
use maud::{PreEscaped, html};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

use super::layout::{News, Page};

const TEXT: &str = include_str!("../../../alerts/runbook.md");

static HTML: LazyLock<String> = LazyLock::new(|| {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, adapt(TEXT).into_iter());
    html
});

pub(super) async fn page() -> Response {
    let main = html! { div.prose { (PreEscaped(&*HTML)) } };
    let title = "Runbook · llm-prober";
    super::answer(Page { root: "", title, here: "Runbook", news: News::None, main }.render())
}

/// Headings get the ids that alerts link to, and links into the repository become text.
fn adapt(markdown: &str) -> Vec<Event<'_>> {
    let mut events: Vec<_> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    for at in 0..events.len() {
        let name = match events.get(at + 1) {
            Some(Event::Text(text)) => id(text),
            _ => String::new(),
        };
        match &mut events[at] {
            Event::Start(Tag::Heading { id, .. }) => *id = Some(name.into()),
            Event::Start(Tag::Link { dest_url, .. }) if !leads_somewhere(dest_url) => {
                events[at] = Event::Text(CowStr::Borrowed(""));
                let end = events[at..].iter().position(|e| *e == Event::End(TagEnd::Link));
                if let Some(end) = end {
                    events[at + end] = Event::Text(CowStr::Borrowed(""));
                }
            }
            _ => {}
        }
    }
    events
}

fn leads_somewhere(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with('#')
}

/// As the host of the repository makes them: lower case, words with hyphens between.
fn id(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(markdown: &str) -> String {
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, adapt(markdown).into_iter());
        html
    }

    #[test]
    fn what_is_adapted() {
        assert_eq!(
            render("## LLMProberStalls"),
            "<h2 id=\"llmproberstalls\">LLMProberStalls</h2>\n"
        );
        assert_eq!(render("## How it works"), "<h2 id=\"how-it-works\">How it works</h2>\n");
        assert_eq!(render("a [b](../c.yml) d"), "<p>a b d</p>\n");
        assert_eq!(render("[b](#c)"), "<p><a href=\"#c\">b</a></p>\n");
    }

    #[test]
    fn every_alert_finds_its_section() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let rules: Vec<_> = files
            .filter(|file| file.to_str().unwrap().ends_with(".rules.yml"))
            .map(|file| std::fs::read_to_string(file).unwrap())
            .collect();
        let links: Vec<_> = rules.iter().flat_map(|r| r.split("/runbook#").skip(1)).collect();
        assert!(links.len() > 10, "{}", links.len());
        for link in links {
            let id = link.split('\'').next().unwrap();
            assert!(HTML.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn nothing_that_the_policy_forbids() {
        assert!(!HTML.contains("style=") && !HTML.contains("<script") && !HTML.contains("src="));
    }
}
