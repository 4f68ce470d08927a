//! What another configuration changes: a value, made of the two alone.

use std::fmt;
use std::sync::Arc;

use crate::config::Config;
use crate::regression::comparison::Comparison;
use crate::sweep::ScheduledSweep;
use crate::target::schedule::Schedule;
use crate::target::{Limits, Target};

/// The way from one configuration to the next.
pub struct Plan {
    /// What is probed.
    pub targets: Changes<Target>,
    /// What is compared. One whose side has changed has changed.
    pub comparisons: Changes<Comparison>,
    /// What is swept. One whose target has changed has changed.
    pub sweeps: Changes<ScheduledSweep>,
    /// The GPUs are to be watched in another way.
    pub gpu: bool,
    /// State is kept elsewhere from the next start on.
    pub state_dir: bool,
}

/// What becomes of the things of one kind, in the order of the new configuration.
pub struct Changes<T> {
    /// Go on undisturbed. Where they stand in the file does not matter.
    pub kept: Vec<Arc<T>>,
    /// Go on as something else in part: what was learnt of them before is still theirs.
    pub changed: Vec<Changed<T>>,
    /// Begin.
    pub new: Vec<Arc<T>>,
    /// End. A thing with another name is another thing.
    pub gone: Vec<Arc<T>>,
}

/// A thing under the same name.
pub struct Changed<T> {
    /// As it was.
    pub before: Arc<T>,
    /// As it is to be.
    pub next: Arc<T>,
    /// The keys of the configuration that differ, at least one.
    pub keys: Vec<&'static str>,
}

impl Plan {
    /// What the first configuration starts.
    #[must_use]
    pub fn first(config: &Config) -> Self {
        Self {
            targets: Changes::between(&[], &config.targets),
            comparisons: Changes::between(&[], &config.comparisons),
            sweeps: Changes::between(&[], &config.sweeps),
            gpu: true,
            state_dir: false,
        }
    }

    /// What `new` changes where `old` is in force.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        Self {
            targets: Changes::between(&old.targets, &new.targets),
            comparisons: Changes::between(&old.comparisons, &new.comparisons),
            sweeps: Changes::between(&old.sweeps, &new.sweeps),
            gpu: old.gpu != new.gpu,
            state_dir: old.state_dir != new.state_dir,
        }
    }
}

/// Counts, for a log.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { targets, comparisons, sweeps, .. } = self;
        write!(f, "targets: {targets}; comparisons: {comparisons}; sweeps: {sweeps}")
    }
}

impl<T> fmt::Display for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, changed, new, gone } = self;
        let (kept, changed, new, gone) = (kept.len(), changed.len(), new.len(), gone.len());
        write!(f, "{kept} kept, {changed} changed, {new} new, {gone} gone")
    }
}

impl<T: Named> Changes<T> {
    fn between(old: &[Arc<T>], new: &[Arc<T>]) -> Self {
        let mut before: std::collections::HashMap<&str, &Arc<T>> =
            old.iter().map(|thing| (thing.name(), thing)).collect();
        let mut changes =
            Self { kept: Vec::new(), changed: Vec::new(), new: Vec::new(), gone: Vec::new() };
        for next in new {
            match before.remove(next.name()) {
                None => changes.new.push(Arc::clone(next)),
                Some(before) => match before.differing(next) {
                    keys if keys.is_empty() => changes.kept.push(Arc::clone(next)),
                    keys => changes.changed.push(Changed {
                        before: Arc::clone(before),
                        next: Arc::clone(next),
                        keys,
                    }),
                },
            }
        }
        let gone = old.iter().filter(|thing| before.contains_key(thing.name()));
        changes.gone = gone.cloned().collect();
        changes
    }

    /// What is to begin, under a known name or a new one.
    pub fn beginning(&self) -> impl Iterator<Item = &Arc<T>> {
        self.changed.iter().map(|changed| &changed.next).chain(&self.new)
    }
}

/// A thing of a configuration with a unique name.
pub(super) trait Named {
    fn name(&self) -> &str;

    /// The keys that differ; none where the two are equal.
    fn differing(&self, next: &Self) -> Vec<&'static str>;
}

/// The keys of which the fields differ. A field that is not listed does not compile.
macro_rules! differing {
    ($type:ident, $before:expr, $next:expr, { $($field:ident => $key:literal,)* }) => {{
        let $type { $($field: _,)* } = $before;
        let mut keys = Vec::new();
        $(if differ(&$before.$field, &$next.$field) {
            keys.push($key);
        })*
        keys
    }};
}

fn differ<T: PartialEq>(before: &T, next: &T) -> bool {
    before != next
}

impl Named for Target {
    fn name(&self) -> &str {
        &self.name
    }

    fn differing(&self, next: &Self) -> Vec<&'static str> {
        let keys: Vec<&str> = differing!(Target, self, next, {
            name => "name",
            url => "url",
            dialect => "api",
            model => "model",
            stream => "stream",
            usage => "usage",
            auth => "auth",
            headers => "headers",
            extra_body => "extra_body",
            tls => "tls",
            connection => "connection",
            addresses => "addresses",
            resolve_every => "resolve_every",
            limits => "limits",
            schedule => "schedule",
            active_hours => "active_hours",
            max_in_flight => "max_in_flight",
            max_in_prefill => "max_in_prefill",
            warm_up => "warm_up",
            cold_after => "cold_after",
            cache_check => "prefix_cache_check",
            workloads => "workloads",
            slos => "slos",
            tokenizer => "tokenizer",
            labels => "labels",
            version => "version",
            price => "price",
            budget => "budget",
            server_metrics => "server_metrics",
            gpus => "gpus",
        });
        let in_detail = |key| match key {
            "limits" => differing!(Limits, self.limits, next.limits, {
                timeout => "timeout",
                first_token_timeout => "first_token_timeout",
                stall_timeout => "stall_timeout",
                tail_timeout => "tail_timeout",
                max_body_bytes => "max_body_size",
            }),
            "schedule" => differing!(Schedule, self.schedule, next.schedule, {
                interval => "interval",
                arrival => "arrival",
            }),
            other => vec![other],
        };
        keys.into_iter().flat_map(in_detail).collect()
    }
}

impl Named for Comparison {
    fn name(&self) -> &str {
        &self.name
    }

    fn differing(&self, next: &Self) -> Vec<&'static str> {
        differing!(Comparison, self, next, {
            name => "name",
            baseline => "baseline",
            candidate => "candidate",
            workloads => "workloads",
            timing => "interval",
            order => "order",
            tolerance => "tolerance",
            failure_margin => "failure_margin",
            slo_margin => "slo_margin",
            false_alarm_every => "false_alarm_every",
            answers => "agreement",
        })
    }
}

impl Named for ScheduledSweep {
    fn name(&self) -> &str {
        &self.name
    }

    fn differing(&self, next: &Self) -> Vec<&'static str> {
        differing!(ScheduledSweep, self, next, {
            name => "name",
            target => "target",
            workload => "workload",
            levels => "concurrency",
            requests_per_level => "requests_per_level",
            most_output_tokens => "max_output_tokens",
            most_duration => "max_duration",
            timetable => "every",
            attainment => "attainment",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const OLD: &str = "\
targets:
- {name: a, url: 'http://a/v1', labels: {stack: one}}
- {name: b, url: 'http://b/v1', model: m, headers: {x-team: one}}
comparisons: [{name: c, baseline: a, candidate: b}]
";

    fn config(text: &str) -> Config {
        match Config::parse(text, Path::new("test.yml"), Path::new("")) {
            Ok(config) => config,
            Err(error) => panic!("{error}"),
        }
    }

    fn said<T: Named>(changes: &Changes<T>) -> String {
        let all = |things: &[Arc<T>], what: &str| -> Vec<String> {
            things.iter().map(|thing| format!("{} {what}", thing.name())).collect()
        };
        let differing = changes.changed.iter();
        let differing =
            differing.map(|c| format!("{} changed ({})", c.next.name(), c.keys.join(", ")));
        let mut parts = all(&changes.kept, "kept");
        parts.extend(differing);
        parts.extend(all(&changes.new, "new"));
        parts.extend(all(&changes.gone, "gone"));
        parts.join(", ")
    }

    /// From [`OLD`] by replacing the one text with the other.
    fn check(from: &str, to: &str, targets: &str, comparisons: &str) {
        assert!(OLD.contains(from), "{from}");
        let plan = Plan::between(&config(OLD), &config(&OLD.replacen(from, to, 1)));
        let found = (said(&plan.targets), said(&plan.comparisons), plan.gpu, plan.state_dir);
        assert_eq!(found, (targets.to_owned(), comparisons.to_owned(), false, false), "{to}");
    }

    #[test]
    fn what_changes_and_nothing_else() {
        check("one", "one", "a kept, b kept", "c kept");
        check("{stack: one}", "{stack: two}", "b kept, a changed (labels)", "c changed (baseline)");
        check("x-team: one", "x-team: two", "a kept, b changed (headers)", "c changed (candidate)");
        check("http://b/v1", "http://other/v1", "a kept, b changed (url)", "c changed (candidate)");
        check(
            "model: m,",
            "interval: 1m, timeout: 30s, max_body_size: 1MiB,",
            "a kept, b changed (model, timeout, max_body_size, interval)",
            "c changed (candidate, interval)",
        );
        check(
            "candidate: b",
            "candidate: b, order: back_to_back",
            "a kept, b kept",
            "c changed (order)",
        );
        check("{name: c, baseline: a, candidate: b}", "", "a kept, b kept", "c gone");
        check("{name: c", "{name: d", "a kept, b kept", "d new, c gone");
    }

    /// Of a secret the configuration holds the place; what stands there is read at each use.
    #[test]
    fn another_place_of_a_secret_is_a_change_and_another_secret_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, token: &str| {
            std::fs::write(folder.path().join(name), token).unwrap();
        };
        let load = |file: &str| {
            let text = format!(
                "targets: [{{name: a, url: 'http://a/v1', auth: {{bearer_token_file: {file}}}}}]"
            );
            Config::parse(&text, Path::new("test.yml"), folder.path()).unwrap()
        };
        write("token", "one");
        write("other", "one");
        let before = load("token");
        write("token", "two");
        assert_eq!(said(&Plan::between(&before, &load("token")).targets), "a kept");
        assert_eq!(said(&Plan::between(&before, &load("other")).targets), "a changed (auth)");
    }

    #[test]
    fn a_target_with_another_name_is_another_one() {
        let renamed = OLD.replace("name: b", "name: d").replace("candidate: b", "candidate: d");
        let plan = Plan::between(&config(OLD), &config(&renamed));
        assert_eq!(said(&plan.targets), "a kept, d new, b gone");
        assert_eq!(said(&plan.comparisons), "c changed (candidate)");
    }

    #[test]
    fn neither_the_order_of_the_file_nor_a_default_that_is_written_out_changes_anything() {
        let reordered = "\
targets:
- {headers: {x-team: one}, model: m, name: b, url: 'http://b/v1'}
- {name: a, url: 'http://a/v1', labels: {stack: one}}
comparisons: [{candidate: b, baseline: a, name: c}]
";
        let defaults = format!(
            "defaults: {{interval: 15s, timeout: 60s, arrival: poisson, api: openai-chat}}\n{OLD}"
        );
        for text in [reordered, &defaults] {
            let plan = Plan::between(&config(OLD), &config(text));
            let counts = "targets: 2 kept, 0 changed, 0 new, 0 gone; \
                          comparisons: 1 kept, 0 changed, 0 new, 0 gone; \
                          sweeps: 0 kept, 0 changed, 0 new, 0 gone";
            assert_eq!(plan.to_string(), counts, "{text}");
        }
        // One that is overridden everywhere does not either; another one does.
        let overridden = OLD.replace("url:", "interval: 15s, url:");
        let overridden = format!("defaults: {{interval: 1m}}\n{overridden}");
        assert_eq!(
            said(&Plan::between(&config(OLD), &config(&overridden)).targets),
            "a kept, b kept"
        );
        let other = format!("defaults: {{interval: 1m}}\n{OLD}");
        let plan = Plan::between(&config(OLD), &config(&other));
        assert_eq!(said(&plan.targets), "a changed (interval), b changed (interval)");
    }

    #[test]
    fn a_workload_changes_the_targets_that_are_asked_it() {
        let with = |prompt: &str, of_b: &str| {
            config(&format!(
                "workloads: {{x: {{prompts: {{inline: [one]}}}}, y: {{prompts: {{inline: [{prompt}]}}}}}}\n\
                 targets:\n- {{name: a, url: 'http://a/v1', workloads: [x]}}\n\
                 - {{name: b, url: 'http://b/v1', workloads: [{of_b}]}}\n"
            ))
        };
        let targets = |old: &Config, new: &Config| said(&Plan::between(old, new).targets);
        assert_eq!(targets(&with("one", "y"), &with("two", "y")), "a kept, b changed (workloads)");
        assert_eq!(targets(&with("one", "x"), &with("two", "x")), "a kept, b kept");
    }

    #[test]
    fn a_sweep_changes_with_its_target() {
        let with = |timeout: &str, every: &str| {
            config(&format!(
                "targets: [{{name: a, url: 'http://a/v1', timeout: {timeout}}}]\n\
                 sweeps: [{{name: s, target: a, concurrency: [1], requests_per_level: 9, \
                 max_output_tokens: 1k, max_duration: 1m, every: {every}}}]\n"
            ))
        };
        let sweeps = |old: &Config, new: &Config| said(&Plan::between(old, new).sweeps);
        let before = with("30s", "24h");
        assert_eq!(sweeps(&before, &with("30s", "1d")), "s kept");
        assert_eq!(sweeps(&before, &with("30s", "12h")), "s changed (every)");
        assert_eq!(sweeps(&before, &with("31s", "24h")), "s changed (target)");
        assert_eq!(sweeps(&before, &config(OLD)), "s gone");
    }

    #[test]
    fn what_is_of_the_whole_program() {
        let plan = |section: &str| Plan::between(&config(OLD), &config(&format!("{section}{OLD}")));
        let gpu = plan("gpu: {retry: 5s}\n");
        assert!(gpu.gpu && !gpu.state_dir);
        assert_eq!(said(&gpu.targets), "a kept, b kept");
        let state = plan("change_detection: {state_dir: /tmp/x}\n");
        assert!(!state.gpu && state.state_dir);
        assert_eq!(said(&state.comparisons), "c kept");
    }

    #[test]
    fn the_first_configuration_starts_everything() {
        let plan = Plan::first(&config(OLD));
        assert_eq!((said(&plan.targets).as_str(), plan.gpu), ("a new, b new", true));
        assert_eq!(said(&plan.comparisons), "c new");
        assert_eq!(plan.targets.beginning().count(), 2);
    }
}
