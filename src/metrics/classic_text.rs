//! The classic text format 0.0.4, made from OpenMetrics text while that is being written.
//!
//! What differs: the type of a counter stands under its `_total` name, an info is a gauge under
//! its `_info` name, `unknown` is called `untyped`; units, exemplars and the end marker do not
//! exist. A sample without exemplar is the same in both, and stays where it was written: a thousand
//! targets have a million of them.

use std::fmt;

/// Takes OpenMetrics text and keeps classic text.
#[derive(Debug, Default)]
pub(super) struct ClassicText {
    out: String,
    /// Where the current line begins.
    line: usize,
    /// `# HELP` comes before `# TYPE`, but its name depends on the type.
    help: Option<(String, String)>,
}

impl ClassicText {
    /// With room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), ..Self::default() }
    }

    /// The whole exposition.
    pub fn finish(self) -> String {
        self.out
    }

    fn end_lines(&mut self) {
        if self.out[self.line..].contains('#') {
            let lines = self.out.split_off(self.line);
            lines.lines().for_each(|line| self.rewrite(line));
        }
        self.line = self.out.len();
    }

    fn rewrite(&mut self, line: &str) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap_or((help, ""));
            self.help = Some((name.to_owned(), help.to_owned()));
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').unwrap_or((of, "unknown"));
            self.descriptor(name, kind);
        } else if !line.starts_with('#') {
            self.push(&[without_exemplar(line)]);
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
            self.push(&["# HELP ", name, suffix, " ", &help]);
        }
        self.push(&["# TYPE ", name, suffix, " ", kind]);
    }

    fn push(&mut self, parts: &[&str]) {
        self.out.extend(parts.iter().copied());
        self.out.push('\n');
    }
}

impl fmt::Write for ClassicText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.push_str(text);
        if text.ends_with('\n') {
            self.end_lines();
        }
        Ok(())
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
    use std::fmt::Write;

    use super::*;

    #[test]
    fn each_kind_of_line() {
        let check = |openmetrics: &str, expect: &str| {
            // However it is cut into pieces.
            for size in [1, 7, openmetrics.len()] {
                let mut classic = ClassicText::default();
                for piece in openmetrics.as_bytes().chunks(size) {
                    classic.write_str(std::str::from_utf8(piece).unwrap()).unwrap();
                }
                assert_eq!(classic.finish(), expect, "{size}");
            }
        };
        check(
            "# HELP a Some a.\n# TYPE a counter\na_total{x=\"1\"} 2\na_total{x=\"#\"} 1\n# EOF\n",
            "# HELP a_total Some a.\n# TYPE a_total counter\na_total{x=\"1\"} 2\na_total{x=\"#\"} 1\n",
        );
        check(
            "# HELP b_s B # b.\n# TYPE b_s gauge\n# UNIT b_s s\nb_s 1.0\nb_s 2 # {c=\"d\"} 2\n",
            "# HELP b_s B # b.\n# TYPE b_s gauge\nb_s 1.0\nb_s 2\n",
        );
        check(
            "# HELP c C\n# TYPE c info\nc_info{v=\"1\"} 1\n",
            "# HELP c_info C\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n",
        );
        check("# TYPE d unknown\nd 1\n", "# TYPE d untyped\nd 1\n");
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
