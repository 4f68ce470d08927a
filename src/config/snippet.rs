//! The offending line as an error may show it.

use super::confidential::Visible;

/// Longest line shown, in characters.
const MAX_LINE: usize = 160;

/// A line fit for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) line: String,
    /// Characters in front of the caret.
    pub(super) caret: usize,
}

/// Line `line` (from 1) of `text`, with a caret at `column` (from 1).
pub(super) fn show(text: &str, line: usize, column: usize) -> Option<Snippet> {
    let index = line.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let source = text.get(start..)?.lines().next()?;
    let visible = Visible::up_to(text, start + source.len());
    let shown_bytes = visible.of_line(source, start);
    let mut shown = Snippet { line: String::new(), caret: 0 };
    let mut length = 0;
    for (i, ((_, c), show)) in source.char_indices().zip(shown_bytes).enumerate() {
        if i + 1 == column {
            shown.caret = length;
        }
        if show && length < MAX_LINE {
            // A tab would move the caret.
            shown.line.push(if c == '\t' { ' ' } else { c });
            length += 1;
        } else if !shown.line.ends_with('…') {
            shown.line.push('…');
            length += 1;
        }
    }
    if column > source.chars().count() {
        shown.caret = length;
    }
    // A caret amid hidden text belongs under its mark.
    if shown.line.ends_with('…') && shown.caret == length {
        shown.caret = length - 1;
    }
    Some(shown)
}

/// Line `line` (from 1) as it stands, with a caret at `column` (from 1).
pub(super) fn plain(text: &str, line: usize, column: usize) -> Option<Snippet> {
    let source = text.lines().nth(line.checked_sub(1)?).unwrap_or_default();
    let line = source.chars().take(MAX_LINE).map(|c| if c == '\t' { ' ' } else { c }).collect();
    Some(Snippet { line, caret: column.saturating_sub(1).min(MAX_LINE) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_harmless_and_nothing_else() {
        let check = |text: &str, expect: &str| {
            let shown = show(text, text.lines().count(), 1).map(|s| s.line);
            assert_eq!(shown.as_deref(), Some(expect), "{text}");
            assert!(!expect.contains("hush"));
        };
        check("defaults: {interval: 15, api: \"x\"}", "defaults: {interval: 15, api: \"x\"}");
        check("defaults:\n  interval: 15 # hush", "  interval: 15 …");
        check(
            "targets:\n- {headers: {x: hush, y: hush}, name: a}",
            "- {headers: {x: …, y: …}, name: a}",
        );
        check("targets:\n- token: hush", "- token: …");
        check("targets:\n- auth: hush", "- auth: …");
        check("targets:\n- auth: {hush-123}", "- auth: {…}");
        check("targets:\n- url: https://me:hush@h/v1", "- url: https://…@h/v1");
        check("targets:\n- url: https://me:hu/s?h@h/v1", "- url: https://…@h/v1");
        check("targets:\n- url: me:hush@h", "- url: …@h");
        check("targets:\n- url: \"https://h/v1?key=hush\"", "- url: \"https://h/v1?…");
        check("targets:\n- headers:\n    name: hush", "    name: …");
        check("workloads:\n  a:\n    prompts:\n      inline:\n      - hush", "      - …");
        check("workloads:\n  a:\n    prompts:\n      inline: [\n\"weight: hush\",", "…");
        check("workloads:\n  a:\n    prompts: hush", "    prompts: …");
        check("workloads:\n  a: {prompts: [hush], weight: 1}", "  a: {prompts: […], weight: 1}");
        check("workloads:\n  a:\n    x: |\n      weight: hush", "      …");
        check(
            "workloads:\n  a:\n    prompts: {inline: [hush: hush]}",
            "    prompts: {inline: […: …]}",
        );
        check("workloads:\n  a:\n    weight: {hush: hush}", "    weight: {…: …}");
        check("workloads:\n  a: {prompts: {inline: [a, {b]\nhush: b", "…");
        check("targets:\n- labels: {weight: ok, b: c}", "- labels: {weight: ok, b: c}");
        check("targets:\n- {name: ok}\n- {name: ok]", "- {name: …");
        check("seed: 1\n\tinterval: hush: 5s", " interval: …");
        check("targets:\n- headers: {url: hush}", "- headers: {url: …}");
        check("workloads:\n  hush", "  …");
        check("targets:\n- name: hush say hush hello", "- name: …");
        check("hush", "…");
        check("defaults:\n  slos:\n  - fast", "  - fast");
    }

    #[test]
    fn the_caret_stays_on_what_is_shown() {
        let caret = |text: &str, column| show(text, 1, column).map(|s| s.caret);
        assert_eq!(caret("seed: 15", 7), Some(6));
        assert_eq!(caret("token: some secret", 14), Some(7));
        assert_eq!(caret("seed:", 6), Some(5), "past the end, where something is missing");
    }

    #[test]
    fn long_lines_are_cut() {
        let shown = show(&format!("seed: {}", "1".repeat(200)), 1, 7);
        assert_eq!(shown.map(|s| s.line.chars().count()), Some(MAX_LINE + 1));
    }
}
