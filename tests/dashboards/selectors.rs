//! The selectors in an expression: which series, over which range, in which function. Prometheus
//! itself says whether an expression is valid, see `live`.

use std::sync::LazyLock;

use regex::Regex;

/// Words that are neither functions nor metrics.
const KEYWORDS: [&str; 4] = ["and", "or", "unless", "bool"];
/// Words before a list of labels.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let string = r#""(?:[^"\\]|\\.)*""#;
    let word = r"[$\w:][\w:.]*";
    let sign = r"=~|!~|!=|==|>=|<=|[-+*/%^=<>(){}\[\],]";
    Regex::new(&format!(r"^\s*({string}|{word}|{sign})\s*")).unwrap()
});

/// One of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub name: String,
    /// Label, operator and value.
    pub matchers: Vec<(String, String, String)>,
    /// What stands in square brackets.
    pub range: Option<String>,
    /// The function that takes it, with nothing between.
    pub function: Option<String>,
}

/// All of them, or what is wrong.
pub fn selectors(expression: &str) -> Result<Vec<Selector>, String> {
    let tokens = tokens(expression)?;
    balanced(&tokens)?;
    let at = |i: usize| tokens.get(i).copied().unwrap_or_default();
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let token = tokens[i];
        i += 1;
        if BEFORE_LABELS.contains(&token) {
            i += tokens[i..].iter().position(|t| *t == ")").ok_or("expected labels")? + 1;
        } else if token == "offset" {
            i += 1;
        } else if is_name(token) && at(i) != "(" && !["by", "without"].contains(&at(i)) {
            let before = if i >= 3 && at(i - 2) == "(" { at(i - 3) } else { "" };
            let mut selector = Selector { name: token.to_owned(), ..Selector::default() };
            selector.function = is_name(before).then(|| before.to_owned());
            i = rest(&mut selector, &tokens, i)?;
            found.push(selector);
        }
    }
    Ok(found)
}

fn tokens(mut rest: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let token = TOKEN.captures(rest).ok_or_else(|| format!("unexpected: {rest}"))?;
        found.push(token.get(1).unwrap().as_str());
        rest = &rest[token.get(0).unwrap().end()..];
    }
    if found.is_empty() { Err("expected an expression".to_owned()) } else { Ok(found) }
}

fn balanced(tokens: &[&str]) -> Result<(), String> {
    let mut open = Vec::new();
    for token in tokens {
        match *token {
            "(" => open.push(")"),
            "{" => open.push("}"),
            "[" => open.push("]"),
            ")" | "}" | "]" if open.pop() != Some(token) => {
                return Err(format!("{token} without its beginning"));
            }
            _ => {}
        }
    }
    open.pop().map_or(Ok(()), |token| Err(format!("expected {token} at the end")))
}

fn is_name(token: &str) -> bool {
    let letter = token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':');
    letter && !KEYWORDS.contains(&token) && !BEFORE_LABELS.contains(&token)
}

/// Matchers and range that follow the name; where they end.
fn rest(selector: &mut Selector, tokens: &[&str], mut i: usize) -> Result<usize, String> {
    if tokens.get(i) == Some(&"{") {
        i += 1;
        while tokens[i] != "}" {
            let [label, operator, value, ..] = tokens[i..] else { return Err("a matcher".into()) };
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            let value = value.ok_or_else(|| format!("expected a string for {label}"))?;
            selector.matchers.push((label.to_owned(), operator.to_owned(), value.to_owned()));
            i += if tokens[i + 3] == "," { 4 } else { 3 };
        }
        i += 1;
    }
    if tokens.get(i) == Some(&"[") {
        selector.range = Some(tokens[i + 1].to_owned());
        i += 3;
    }
    Ok(i)
}

#[test]
fn selectors_are_found_wherever_they_stand() {
    let expression = r#"sum by (le) (rate(a_bucket{job=~"$job", x!="}"}[$__rate_interval])) > 0
        and on (job) b:c offset 5m or vector(1.5) - max without (x) (d{})"#;
    let found = selectors(expression).unwrap();
    let matcher = |l: &str, o: &str, v: &str| (l.to_owned(), o.to_owned(), v.to_owned());
    let first = Selector {
        name: "a_bucket".to_owned(),
        matchers: vec![matcher("job", "=~", "$job"), matcher("x", "!=", "}")],
        range: Some("$__rate_interval".to_owned()),
        function: Some("rate".to_owned()),
    };
    assert_eq!(found[0], first);
    let names: Vec<_> = found.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a_bucket", "b:c", "d"]);
    for wrong in ["", "sum(", "sum)", "a{b}", "a{b=1}", "a;b", "sum by a"] {
        assert!(selectors(wrong).is_err(), "{wrong}");
    }
}
