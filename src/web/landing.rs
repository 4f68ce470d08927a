//! The landing page: each target's state in a line, and where to go from here.

use std::fmt::Write;
use std::time::Duration;

use crate::config::Config;
use crate::history::{History, ORDINARY, Summary};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>llm-prober</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
nav a { margin-right: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8885; white-space: nowrap; }
.number { text-align: right; }
</style>
</head>
<body>
<h1>llm-prober</h1>
<nav><a href="metrics">Metrics</a><a href="config">Configuration</a><a href="-/healthy">Health</a><a href="-/ready">Readiness</a></nav>
<h2>Targets</h2>
<div class="scroll"><table>
<thead><tr><th>Target</th><th>API</th><th>Last probe</th><th>Workload</th><th class="number">TTFT</th><th class="number">ITL</th><th class="number">Succeeded, of the last</th></tr></thead>
<tbody>
"#;

const TAIL: &str = "</tbody>\n</table></div>\n</body>\n</html>\n";

/// The whole page.
pub(super) fn page(config: &Config, history: &History) -> String {
    let mut html = HEAD.to_owned();
    for target in &config.targets {
        let mut recent = history.probes(&target.name);
        recent.truncate(ORDINARY);
        let good = recent.iter().filter(|e| e.summary.reason.is_none()).count();
        let last = recent.first().map(|e| &*e.summary);
        let cells = [
            state(last),
            last.map_or_else(String::new, |e| e.workload.name.clone()),
            duration(last.and_then(|e| e.ttft)),
            duration(last.and_then(|e| e.itl)),
            format!("{good} of {}", recent.len()),
        ];
        let [state, workload, ttft, itl, good] = cells.map(|text| escape(&text));
        // Writing to a String cannot fail.
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{state}</td><td>{workload}</td>\
             <td class=\"number\">{ttft}</td><td class=\"number\">{itl}</td>\
             <td class=\"number\">{good}</td></tr>",
            escape(&target.name),
            target.protocol.name(),
        );
    }
    html + TAIL
}

fn state(last: Option<&Summary>) -> String {
    match last {
        None => "not probed yet".to_owned(),
        Some(Summary { reason: None, .. }) => "succeeded".to_owned(),
        Some(Summary { reason: Some(reason), http_status: Some(status), .. }) => {
            format!("failed: {reason} (status {status})")
        }
        Some(Summary { reason: Some(reason), .. }) => format!("failed: {reason}"),
    }
}

/// Milliseconds; a dash where there is no figure.
fn duration(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "–".to_owned(), |d| format!("{:.1} ms", d.as_secs_f64() * 1e3))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_inject_markup() {
        assert_eq!(escape(r#"<b a="1">&"#), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
