//! What a target is, as it is configured.

use maud::{Markup, html};

use super::view::View;
use crate::daemon::Daemon;
use crate::explain::shown;
use crate::target::ConnectionMode;
use crate::target::Target;
use crate::target::budget::Period;
use crate::web::page::figure;

pub(super) fn section(view: &View<'_>) -> Markup {
    let target = view.target;
    let workloads: Vec<_> = target.workloads.iter().map(|w| &*w.name).collect();
    let connection = match target.connection {
        ConnectionMode::Reuse => "reused where one is idle",
        ConnectionMode::Fresh => "new for each probe",
    };
    let mut facts = vec![
        ("URL", shown(&target.url)),
        ("API", target.dialect.name().to_owned()),
        ("Model", model(view.daemon, target).unwrap_or_else(|| "not known yet".to_owned())),
        ("Workloads", workloads.join(", ")),
        ("One probe per", figure::setting(target.schedule.interval)),
        ("Timeout", figure::setting(target.limits.timeout)),
        ("Stall timeout", figure::setting(target.limits.stall_timeout)),
        ("Connection", connection.to_owned()),
    ];
    if let Some(limit) = target.limits.first_token_timeout {
        facts.push(("First-token timeout", figure::setting(limit)));
    }
    let addresses = addresses(view);
    if !addresses.is_empty() {
        facts.push(("Addresses", addresses));
    }
    if let Some(budget) = budget(view) {
        facts.push(("Budget", budget));
    }
    if !target.stream {
        facts.push(("Streaming", "off: no time to first token".to_owned()));
    }
    if target.tls.insecure_skip_verify {
        facts.push(("Certificates", "not verified".to_owned()));
    }
    html! {
        section aria-labelledby="facts" {
            h2 #facts { "Facts" }
            dl.facts {
                @for (name, fact) in &facts { div { dt { (name) } dd { (fact) } } }
                @for (name, fact) in &target.version { div { dt { (name) } dd { (fact) } } }
                @for (name, fact) in &target.labels { div { dt { "Label " (name) } dd { (fact) } } }
            }
        }
    }
}

/// The addresses behind the target's name, and how each does where it is probed by itself.
fn addresses(view: &View<'_>) -> String {
    let metrics = view.daemon.metrics.target(&view.target.name);
    let known = metrics.map(|metrics| metrics.addresses()).unwrap_or_default();
    let described = known.iter().map(|known| {
        let state = match (known.success, known.present) {
            (Some(true), true) => ": answers",
            (Some(false), true) => ": fails",
            (None, true) => "",
            (_, false) => ": not in the name any more",
        };
        format!("{}{state}", known.address)
    });
    described.collect::<Vec<_>>().join(", ")
}

/// What is left of the target's budget, and of that of all targets.
fn budget(view: &View<'_>) -> Option<String> {
    let metrics = &view.daemon.metrics;
    let own = metrics.target(&view.target.name);
    let own = own.map(|metrics| metrics.budget_remaining()).unwrap_or_default();
    let of = |whose: &'static str| {
        move |(period, left): (Period, f64)| {
            let period = period.as_str();
            if left > 0.0 {
                format!("{} of the {period}'s {whose} is left", figure::share(left))
            } else {
                format!("the {period}'s {whose} is spent: not probed until the next {period} (UTC)")
            }
        }
    };
    let all = metrics.budget_in_all_remaining().into_iter().map(of("budget of all targets"));
    let parts: Vec<_> = own.into_iter().map(of("budget")).chain(all).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The model that a target is asked for, once it is known.
pub(in crate::web::page) fn model(daemon: &Daemon, target: &Target) -> Option<String> {
    let metrics = daemon.metrics.target(&target.name)?;
    let model = metrics.model();
    (!model.is_empty()).then(|| (*model).clone())
}
