//! The classic text format 0.0.4, rewritten line by line from OpenMetrics text.
//!
//! What differs: the type of a counter stands under its `_total` name, an info is a gauge under
//! its `_info` name, `unknown` is called `untyped`; units, exemplars, creation times and the end
//! marker do not exist.

/// The whole exposition.
pub(super) fn from_openmetrics(text: &str) -> String {
    let mut rewriter = Rewriter { out: String::with_capacity(text.len()), ..Rewriter::default() };
    for line in text.lines() {
        rewriter.line(line);
    }
    rewriter.out
}

#[derive(Default)]
struct Rewriter<'a> {
    out: String,
    /// `# HELP` comes before `# TYPE`, but its name depends on the type.
    help: Option<(&'a str, &'a str)>,
    /// The sample names of the current family's creation times.
    created: String,
}

impl<'a> Rewriter<'a> {
    fn line(&mut self, line: &'a str) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            self.help = help.split_once(' ').or(Some((help, "")));
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').unwrap_or((of, "unknown"));
            self.descriptor(name, kind);
        } else if !line.starts_with('#') && !line.is_empty() {
            self.sample(line);
        }
    }

    fn descriptor(&mut self, name: &str, kind: &str) {
        let (suffix, kind) = match kind {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "gauge"),
            "unknown" => ("", "untyped"),
            other => ("", other),
        };
        if let Some((_, help)) = self.help.take().filter(|(of, _)| *of == name) {
            self.push(&["# HELP ", name, suffix, " ", help]);
        }
        self.push(&["# TYPE ", name, suffix, " ", kind]);
        let has_created = matches!(kind, "counter" | "histogram");
        self.created = if has_created { format!("{name}_created") } else { String::new() };
    }

    fn sample(&mut self, line: &str) {
        let name = line.split(['{', ' ']).next().unwrap_or(line);
        if name != self.created {
            self.push(&[without_exemplar(line)]);
        }
    }

    fn push(&mut self, parts: &[&str]) {
        self.out.extend(parts.iter().copied());
        self.out.push('\n');
    }
}

/// A sample without what follows ` # `; a `#` inside a label value is none.
fn without_exemplar(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return line[..index].trim_end(),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line() {
        let check = |openmetrics: &str, expect: &str| {
            assert_eq!(from_openmetrics(openmetrics), expect);
        };
        check(
            "# HELP a Some a.\n# TYPE a counter\na_total{x=\"1\"} 2\na_created{x=\"1\"} 1\n# EOF\n",
            "# HELP a_total Some a.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n",
        );
        check(
            "# HELP b_s B # b.\n# TYPE b_s gauge\n# UNIT b_s s\nb_s 1.0\n",
            "# HELP b_s B # b.\n# TYPE b_s gauge\nb_s 1.0\n",
        );
        check(
            "# HELP c C\n# TYPE c info\nc_info{v=\"1\"} 1\n",
            "# HELP c_info C\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n",
        );
        check("# TYPE d unknown\nd 1\n", "# TYPE d untyped\nd 1\n");
        check("# TYPE e_created gauge\ne_created 1\n", "# TYPE e_created gauge\ne_created 1\n");
    }

    #[test]
    fn exemplars_go_label_values_stay() {
        let check = |sample: &str, expect: &str| assert_eq!(without_exemplar(sample), expect);
        check(r#"h{le="1.0"} 3 # {trace_id="ab"} 0.5 17.25"#, r#"h{le="1.0"} 3"#);
        check(r#"h{t="a # {b=\"c\"} 1"} 3"#, r#"h{t="a # {b=\"c\"} 1"} 3"#);
        check(r#"g{t="\\"} 3 # {x="y"} 1"#, r#"g{t="\\"} 3"#);
        check("g 3", "g 3");
    }
}
