//! What the target's server said about itself last, where it is asked.

use std::time::Duration;

use maud::{Markup, html};

use super::view::View;
use crate::memory::history::State;
use crate::server_metrics::{Look, Sample};
use crate::web::page::{figure, moment, state};

pub(super) fn section(view: &View<'_>) -> Markup {
    if view.target.server_metrics.is_none() {
        return html! {};
    }
    let metrics = view.daemon.metrics.target(&view.target.name);
    let look = metrics.and_then(|metrics| metrics.server_look());
    html! {
        section aria-labelledby="server" data-live="server" {
            h2 #server { "Server" }
            @match look {
                None => p { (state::badge(State::NotProbed, "not asked yet")) },
                Some(look) => (shown(&look, view.now)),
            }
        }
    }
}

fn shown(look: &Look, now: i64) -> Markup {
    let seen = Duration::try_from_secs_f64(look.unix_seconds).unwrap_or_default();
    let at = i64::try_from(seen.as_nanos()).unwrap_or(i64::MAX);
    html! {
        @match look.result {
            Err(problem) => p {
                (state::badge(State::Failing, "no values")) " " (problem.to_string()) ", " (moment::ago(at, now))
            },
            Ok(sample) => {
                p.note { "As " (sample.engine) " tells it on its metrics page, " (moment::ago(at, now)) }
                dl.facts {
                    @for (name, fact) in facts(&sample) { div { dt { (name) } dd { (fact) } } }
                }
            },
        }
    }
}

/// What the page says, and nothing else.
fn facts(sample: &Sample) -> Vec<(&'static str, String)> {
    let number = |value: f64| format!("{value}");
    let counted = sample.prefix_cache_hits.zip(sample.prefix_cache_queries);
    let counted = counted.filter(|(_, queries)| *queries > 0.0).map(|(hits, all)| hits / all);
    let all = [
        ("Running requests", sample.running.map(number)),
        ("Waiting requests", sample.waiting.map(number)),
        ("KV cache in use", sample.kv_cache_usage.map(figure::share)),
        ("Found in the prefix cache", sample.prefix_cache_hit_ratio.or(counted).map(figure::share)),
        ("Requests started again", sample.preemptions.map(number)),
    ];
    all.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_says() {
        assert_eq!(facts(&Sample::default()), []);
        let sample = Sample {
            running: Some(3.0),
            kv_cache_usage: Some(0.256),
            prefix_cache_queries: Some(200.0),
            prefix_cache_hits: Some(50.0),
            ..Sample::default()
        };
        let shown: Vec<_> = facts(&sample).into_iter().map(|(_, fact)| fact).collect();
        assert_eq!(shown, ["3", "25.6 %", "25 %"]);
        let none =
            Sample { prefix_cache_queries: Some(0.0), prefix_cache_hits: Some(0.0), ..sample };
        assert_eq!(facts(&none).len(), 2, "no share of nothing");
    }
}
