//! One line of Prometheus' text format, classic or OpenMetrics. Pure; never panics, whatever the
//! server sends.

/// Longer lines are not looked at.
pub(super) const MAX_LINE: usize = 16 << 10;
/// A series with more labels is not looked at.
const MAX_LABELS: usize = 64;

/// One sample. A timestamp and an exemplar behind the value are read over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Series {
    /// The value of a label; one that is not there is empty, as in Prometheus.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

/// The sample on a line; `None` for comments, empty lines and everything that is not understood.
pub(super) fn series(line: &str) -> Option<Series> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') || line.len() > MAX_LINE {
        return None;
    }
    let end = line.find(|c: char| c == '{' || c.is_ascii_whitespace())?;
    let mut name = line[..end].to_owned();
    let mut rest = line[end..].trim_start();
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = label_set(inner, &mut name, &mut labels)?;
    }
    let value = number(rest.split_ascii_whitespace().next()?)?;
    (!name.is_empty()).then_some(Series { name, labels, value })
}

/// Reads up to the closing brace; returns what follows it. A quoted text without a value is the
/// name of the metric: so are names written that are not plain words.
fn label_set<'l>(
    mut rest: &'l str,
    name: &mut String,
    labels: &mut Vec<(String, String)>,
) -> Option<&'l str> {
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some(behind);
        }
        let key = if let Some(text) = rest.strip_prefix('"') {
            take_quoted(text, &mut rest)?
        } else {
            let end = rest.find(['=', '}', ',', '"', '{'])?;
            let (key, behind) = rest.split_at(end);
            rest = behind;
            key.trim_end().to_owned()
        };
        rest = rest.trim_start();
        let Some(value) = rest.strip_prefix('=') else {
            if !name.is_empty() || !rest.starts_with([',', '}']) {
                return None;
            }
            *name = key;
            continue;
        };
        let value = take_quoted(value.trim_start().strip_prefix('"')?, &mut rest)?;
        if key.is_empty() || labels.len() == MAX_LABELS {
            return None;
        }
        labels.push((key, value));
    }
}

/// The text up to the closing quotation mark, escapes resolved; `rest` becomes what follows.
fn take_quoted<'l>(text: &'l str, rest: &mut &'l str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &text[at + 1..];
                return Some(out);
            }
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                escaped @ ('\\' | '"') => out.push(escaped),
                other => out.extend(['\\', other]),
            },
            c => out.push(c),
        }
    }
    None
}

/// Rust reads everything that exporters write: `1e-05`, `+Inf`, `NaN`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> String {
        series(line).map_or("-".to_owned(), |s| format!("{} {:?} {}", s.name, s.labels, s.value))
    }

    #[test]
    fn lines_of_both_formats() {
        let check = |line: &str, expect: &str| assert_eq!(shown(line), expect, "{line}");
        check("up 1", "up [] 1");
        check("up 1.5e-05 1700000000000", "up [] 0.000015");
        check("\tup   \t 0 \r", "up [] 0");
        check("llamacpp:requests_processing 0", "llamacpp:requests_processing [] 0");
        check(r#"a{b="c"} 1"#, r#"a [("b", "c")] 1"#);
        check(r#"a { b = "c" , d="e", } 1"#, r#"a [("b", "c"), ("d", "e")] 1"#);
        check("a{} 2", "a [] 2");
        check(r#"a{b="{x=\"1\"} # \\ \n"} 2"#, r#"a [("b", "{x=\"1\"} # \\ \n")] 2"#);
        check(r#"a{b="ü → 😀"} 2"#, r#"a [("b", "ü → 😀")] 2"#);
        check(
            r#"a_bucket{le="+Inf"} 3 # {trace_id="x"} 0.2 1.5"#,
            r#"a_bucket [("le", "+Inf")] 3"#,
        );
        check(r#"{"a.b", c="d"} 1"#, r#"a.b [("c", "d")] 1"#);
        check(r#"{"a.b","c.d"="e"} 1"#, r#"a.b [("c.d", "e")] 1"#);
        check("a NaN", "a [] NaN");
        check("a +Inf", "a [] inf");
        check("a -1", "a [] -1");
    }

    #[test]
    fn what_is_no_sample_is_left_out() {
        let check = |line: &str| assert_eq!(shown(line), "-", "{line}");
        for line in ["", "   ", "# HELP a b", "# EOF", "#a 1", "a", "a ", "a b", "a{", "a{b} 1"] {
            check(line);
        }
        for line in [r#"a{b="c" 1"#, r#"a{b="c} 1"#, r"a{b=c} 1", r#"a{="c"} 1"#, "{} 1"] {
            check(line);
        }
        for line in [r#"a{b="c"}"#, r#"a{"b"} 1"#, r#"a{b="\"#, "<html> <body>", "{\"a\": 1}"] {
            check(line);
        }
        check(&format!("a{{b=\"{}\"}} 1", "x".repeat(MAX_LINE)));
        check(&format!("a{{{}}} 1", "l=\"\",".repeat(MAX_LABELS + 1)));
    }

    fn escaped(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    }

    proptest! {
        #[test]
        fn nothing_panics(line in ".{0,200}") {
            let _ = series(&line);
        }

        #[test]
        fn nothing_that_looks_like_a_sample_panics(line in "[a{}\"=,\\\\n 1#.\u{e9}]{0,40}") {
            let _ = series(&line);
        }

        #[test]
        fn what_is_written_is_read(
            name in "[a-z_:][a-z0-9_:]{0,20}",
            labels in prop::collection::vec(("[a-z_][a-z0-9_]{0,8}", "(?s).{0,12}"), 0..5),
            value in -1e18..1e18_f64,
        ) {
            let set: Vec<_> =
                labels.iter().map(|(k, v)| format!("{k}=\"{}\"", escaped(v))).collect();
            let line = format!("{name}{{{}}} {value}", set.join(","));
            prop_assert_eq!(series(&line), Some(Series { name, labels, value }));
        }
    }
}
