//! The expressions of a dashboard, and what is in them.

use promql_parser::parser::{Expr, MatrixSelector, VectorSelector, parse};
use serde_json::Value;

use crate::layout::panels;

/// What stands for Grafana's own variables: lengths that nobody would write.
const RATE_INTERVAL: &str = "7919s";
const RANGE: &str = "7927s";

/// A query of a panel.
pub struct Query<'a> {
    pub panel: &'a Value,
    pub index: usize,
    pub expression: &'a str,
}

/// All queries of all panels.
pub fn queries(dashboard: &Value) -> Vec<Query<'_>> {
    let of = |panel| {
        let targets: &Vec<Value> = panel_targets(panel);
        targets.iter().enumerate().map(move |(index, target)| Query {
            panel,
            index,
            expression: target["expr"].as_str().unwrap_or_default(),
        })
    };
    panels(dashboard).into_iter().filter(|p| p["type"] != "row").flat_map(of).collect()
}

fn panel_targets(panel: &Value) -> &Vec<Value> {
    panel["targets"].as_array().expect("every panel has targets")
}

/// Queries of variables and annotations: not of a panel.
pub fn other_expressions(dashboard: &Value) -> Vec<String> {
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let series = variables.filter(|v| v["type"] == "query").map(|v| labelled(v).to_owned());
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let marks = annotations.filter_map(|a| a["expr"].as_str()).map(str::to_owned);
    series.chain(marks).collect()
}

/// The series in `label_values(series, label)`.
pub fn labelled(variable: &Value) -> &str {
    let query = variable["query"]["query"].as_str().expect("a query");
    let inner = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')'));
    let (series, label) = inner.unwrap_or_else(|| panic!("{query}")).rsplit_once(", ").unwrap();
    assert_eq!(variable["name"], label, "{query}");
    series
}

/// Its tree, with something in place of Grafana's variables.
pub fn parsed(expression: &str) -> Result<Expr, String> {
    parse(&expression.replace("$__rate_interval", RATE_INTERVAL).replace("$__range", RANGE))
}

/// Whether a range is `$__rate_interval`.
pub fn is_rate_interval(selector: &MatrixSelector) -> bool {
    format!("{}s", selector.range.as_secs()) == RATE_INTERVAL
}

/// A selector of series and the functions around it, the outermost first.
pub struct Selector<'a> {
    pub series: &'a VectorSelector,
    pub range: Option<&'a MatrixSelector>,
    /// The function that takes it, with nothing between.
    pub function: Option<&'static str>,
}

/// All selectors of an expression.
pub fn selectors(expression: &Expr) -> Vec<Selector<'_>> {
    let mut found = Vec::new();
    collect(expression, None, &mut found);
    found
}

fn collect<'a>(node: &'a Expr, function: Option<&'static str>, found: &mut Vec<Selector<'a>>) {
    let mut inside = |child: &'a Expr| collect(child, None, found);
    match node {
        Expr::Aggregate(a) => {
            inside(&a.expr);
            a.param.iter().for_each(|p| inside(p));
        }
        Expr::Unary(u) => inside(&u.expr),
        Expr::Binary(b) => {
            inside(&b.lhs);
            inside(&b.rhs);
        }
        Expr::Paren(p) => inside(&p.expr),
        Expr::Subquery(s) => inside(&s.expr),
        Expr::Call(call) => {
            call.args.args.iter().for_each(|a| collect(a, Some(call.func.name), found));
        }
        Expr::VectorSelector(series) => found.push(Selector { series, range: None, function }),
        Expr::MatrixSelector(range) => {
            found.push(Selector { series: &range.vs, range: Some(range), function });
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}
