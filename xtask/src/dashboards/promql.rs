//! Shorthand for the expressions of the dashboards.
//!
//! `{probe}`, `{target}`, `{server}`, `{comparison}`, `{side}` and `{prober}` (with more matchers after a comma) stand for the
//! matchers that follow the variables; `[i]` stands for the range of a rate.

const PROBER: &str = r#"job=~"$job", instance=~"$instance""#;
const TARGET: &str = r#"model=~"$model", target=~"$target""#;
/// Also what is not split by workload: facts about a target, and secondary histograms if so
/// configured.
const WORKLOAD: &str = r#"workload=~"$workload|""#;

/// What is left of the error budgets of the SLOs' own periods, by the rules of `alerts/`. The rules
/// sum over all instances: there is no such label.
pub const PERIOD_BUDGET: &str =
    r#"slo:period_error_budget_remaining:ratio{job=~"$job", target=~"$target"}"#;

/// Writes the shorthand out.
pub fn expand(expression: &str) -> String {
    let selectors = [
        ("{probe", format!("{{{PROBER}, {TARGET}, {WORKLOAD}")),
        ("{target", format!("{{{PROBER}, {TARGET}")),
        // Of the targets that a comparison names, whichever are chosen.
        ("{side", format!("{{{PROBER}, {WORKLOAD}")),
        // What a server reports of itself, whatever model is probed.
        ("{server", format!("{{{PROBER}, target=~\"$target\"")),
        ("{comparison", format!("{{{PROBER}, comparison=~\"$comparison\"")),
        ("{prober", format!("{{{PROBER}")),
    ];
    let mut written = expression.replace("[i]", "[$__rate_interval]");
    for (short, long) in selectors {
        for next in ['}', ','] {
            written = written.replace(&format!("{short}{next}"), &format!("{long}{next}"));
        }
    }
    written
}

/// A quantile of a histogram by labels, from native buckets and, where there are none, from the
/// classic ones. Instants without a sample have no value instead of `NaN`, so that lines go on.
pub fn quantile(q: f64, histogram: &str, by: &str) -> String {
    of(q, histogram, by, &RATE)
}

/// A quantile over the whole time that is shown.
pub fn quantile_of_range(q: f64, histogram: &str, by: &str) -> String {
    of(q, histogram, by, &INCREASE)
}

/// The mean of a histogram by labels where it has no quantiles: in classic text a lean histogram has
/// sum and count alone.
pub fn mean(histogram: &str, by: &str) -> String {
    mean_of(histogram, by, &RATE)
}

/// Such a mean over the whole time that is shown.
pub fn mean_of_range(histogram: &str, by: &str) -> String {
    mean_of(histogram, by, &INCREASE)
}

/// A function of counters, and its range.
type Growth = (&'static str, &'static str);

const RATE: Growth = ("rate", "[i]");
const INCREASE: Growth = ("increase", "[$__range]");

/// A histogram's name, and its matchers: those of probes unless it says others.
fn matched(histogram: &str) -> (&str, &str) {
    histogram.split_once('{').unwrap_or((histogram, "probe}"))
}

fn of(q: f64, histogram: &str, by: &str, (function, range): &Growth) -> String {
    let (name, rest) = matched(histogram);
    let native = if by.is_empty() { String::new() } else { format!(" by ({by})") };
    let classic = if by.is_empty() { "le".to_owned() } else { format!("{by}, le") };
    format!(
        "(histogram_quantile({q}, sum{native} ({function}({name}{{{rest}{range}))) \
         or histogram_quantile({q}, sum by ({classic}) ({function}({name}_bucket{{{rest}{range})))) \
         >= 0"
    )
}

fn mean_of(histogram: &str, by: &str, growth: &Growth) -> String {
    let (name, rest) = matched(histogram);
    let (function, range) = growth;
    let by_labels = if by.is_empty() { String::new() } else { format!(" by ({by})") };
    let sum = |part: &str| format!("sum{by_labels} ({function}({name}_{part}{{{rest}{range}))");
    let quantile = of(0.5, histogram, by, growth);
    format!("{} / ({} > 0) unless ({quantile})", sum("sum"), sum("count"))
}

/// Both forms of a histogram for a heatmap: native, then classic. Grafana draws the first that
/// there is. The one bucket `+Inf` is none.
pub fn buckets(histogram: &str) -> [String; 2] {
    let (name, rest) = matched(histogram);
    [
        format!("sum(increase({name}{{{rest}[i]))"),
        format!(
            "sum by (le) (increase({name}_bucket{{{rest}[i])) \
             and on () (count(count by (le) ({name}_bucket{{{rest})) > 1)"
        ),
    ]
}

/// Which share `part` is of `whole` over a range, by labels; both are counters.
pub fn share(part: &str, whole: &str, by: &str, range: &str) -> String {
    let sum = |counter: &str| {
        let by = if by.is_empty() { String::new() } else { format!(" by ({by})") };
        format!("sum{by} (increase({counter}{range}))")
    };
    format!("{} / ({} > 0)", sum(part), sum(whole))
}

/// The share of good probes by target and SLO over a range.
pub fn attainment(range: &str) -> String {
    let good = "llm_prober_slo_good_probes_total{probe}";
    share(good, "llm_prober_slo_probes_total{probe}", "target, slo", range)
}

/// How many times faster than allowed the error budget goes, by target and SLO.
pub fn burn_rate(range: &str) -> String {
    let objective = "max by (target, slo) (llm_prober_slo_objective_ratio{probe})";
    format!("(1 - {}) / (1 - {objective})", attainment(range))
}
