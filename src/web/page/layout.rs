//! What is the same on every page.

use maud::{DOCTYPE, Markup, html};

use super::assets;

/// One page.
pub(super) struct Page<'a> {
    /// From the page's address to the root of all pages: empty, or `../`.
    pub root: &'static str,
    /// What the browser's tab says.
    pub title: &'a str,
    /// The link of the navigation that this page is behind, if it is one.
    pub here: &'static str,
    /// Of which probes the page wants to hear.
    pub news: News<'a>,
    /// Everything below the navigation.
    pub main: Markup,
}

/// Which finished probes change a page.
pub(super) enum News<'a> {
    /// None.
    None,
    /// Those of all targets.
    All,
    /// Those of one target.
    Of(&'a str),
}

/// The navigation: words and addresses from the root.
const LINKS: [(&str, &str); 5] = [
    ("Targets", ""),
    ("Metrics", "metrics"),
    ("Configuration", "config"),
    ("API", "api/v1/openapi.json"),
    ("Runbook", "runbook"),
];

impl Page<'_> {
    pub fn render(self) -> Markup {
        let target = if let News::Of(target) = self.news { Some(target) } else { None };
        let events =
            (!matches!(self.news, News::None)).then(|| format!("{}api/v1/events", self.root));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) }
                    link rel="icon" href=(assets::ICON.href(self.root)) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::STYLE.href(self.root));
                    script src=(assets::SCRIPT.href(self.root)) defer {}
                }
                body data-events=[&events] data-target=[target] {
                    a.skip href="#main" { "Skip to the content" }
                    (self.header())
                    main #main tabindex="-1" { (self.main) }
                    footer {
                        p { "llm-prober " (env!("CARGO_PKG_VERSION")) " · times are UTC" }
                        @if events.is_some() {
                            p data-connection="" { "Reload the page to see what is new." }
                        }
                    }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header {
                a.brand href=(home(self.root)) { "llm-prober" }
                nav aria-label="Main" {
                    ul {
                        @for (word, address) in LINKS {
                            @let href = if address.is_empty() { home(self.root) } else { format!("{}{address}", self.root) };
                            li { a href=(href) aria-current=[(word == self.here).then_some("page")] { (word) } }
                        }
                    }
                }
            }
        }
    }
}

/// The address of the first page: an empty one would mean the page itself, with its query.
pub(super) fn home(root: &str) -> String {
    if root.is_empty() { "./".to_owned() } else { root.to_owned() }
}
