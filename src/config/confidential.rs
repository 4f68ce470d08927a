//! Which parts of a configuration text may be shown in an error.
//!
//! A line of a configuration may hold a prompt, a header value, a password in a URL or a secret
//! that was put under the wrong key, and errors end up in logs. So a value is shown only where
//! its key is known to be harmless. It works on parser events rather than on the parsed file,
//! because a file with a syntax error has lines to show as well. What a key says of itself is told by
//! [`keys::find`].

use std::ops::Range;

use serde_yaml::granit_parser::{Event, Parser};

use super::keys::{self, Form, Show};

/// Which bytes of a text may be shown.
pub(super) struct Visible {
    /// Scalars, in order: where they are, and whether they may be shown.
    scalars: Vec<(Range<usize>, bool)>,
    /// What lies beyond was not understood.
    known_to: usize,
}

/// An open mapping (with its current key) or sequence.
enum Frame {
    Mapping { key: Option<String>, key_next: bool },
    Sequence,
}

impl Visible {
    /// Reads events as far as `end`.
    pub(super) fn up_to(text: &str, end: usize) -> Self {
        let mut visible = Self { scalars: Vec::new(), known_to: 0 };
        let mut frames: Vec<Frame> = Vec::new();
        for item in Parser::new_from_str(text) {
            let Ok((event, span)) = item else { return visible };
            let Some(range) = span.byte_range() else { return visible };
            visible.known_to = visible.known_to.max(range.end);
            if range.start > end {
                break;
            }
            match event {
                Event::Scalar(value, ..) => visible.scalar(text, range, &value, &mut frames),
                Event::Alias(_) => done(&mut frames, None),
                Event::MappingStart(..) => {
                    frames.push(Frame::Mapping { key: None, key_next: true });
                }
                Event::SequenceStart(..) => frames.push(Frame::Sequence),
                Event::MappingEnd | Event::SequenceEnd => {
                    frames.pop();
                    done(&mut frames, None);
                }
                _ => {}
            }
        }
        visible.known_to = text.len();
        visible
    }

    fn scalar(&mut self, text: &str, range: Range<usize>, value: &str, frames: &mut [Frame]) {
        let is_key = matches!(frames.last(), Some(Frame::Mapping { key_next: true, .. }));
        let outer = if is_key { &frames[..frames.len() - 1] } else { &frames[..] };
        let path: Option<Vec<&str>> = keys(outer);
        if is_key {
            let shown = path.as_ref().is_some_and(|p| key_shown(value, p));
            self.scalars.push((range, shown));
        } else {
            match path.and_then(|p| scalar_shown(&p)).filter(|_| is_short(value)) {
                Some(Show::Address) => self.url(text, range),
                shown => self.scalars.push((range, shown == Some(Show::Shown))),
            }
        }
        done(frames, Some(value));
    }

    /// All of a URL but credentials and query.
    fn url(&mut self, text: &str, range: Range<usize>) {
        let url = &text[range.clone()];
        let host = url.rfind('@').unwrap_or(0);
        let scheme = if host > 0 { url.find("//").map_or(0, |i| i + 2).min(host) } else { 0 };
        let query = url[host..].find(['?', '#']).map_or(url.len(), |i| host + i + 1);
        for (part, shown) in [
            (0..scheme, true),
            (scheme..host, false),
            (host..query, true),
            (query..url.len(), false),
        ] {
            self.scalars.push((range.start + part.start..range.start + part.end, shown));
        }
    }

    /// For each character of a line that starts at byte `start`, whether to show it.
    pub(super) fn of_line(&self, line: &str, start: usize) -> Vec<bool> {
        let here = start..start + line.len();
        let on_line = |range: &Range<usize>| range.end > here.start && range.start < here.end;
        let scalars: Vec<_> = self.scalars.iter().filter(|(range, _)| on_line(range)).collect();
        let mut stopped = false;
        let mut key_to = 0;
        let show = |(i, c): (usize, char)| {
            let at = start + i;
            if stopped || i < key_to {
                return !stopped;
            }
            if let Some((_, shown)) = scalars.iter().find(|(range, _)| range.contains(&at)) {
                return *shown;
            }
            if at < self.known_to {
                // Between scalars: punctuation, anchors, tags; and comments, which go to the end.
                stopped = c == '#';
                return " \t-{}[],:?".contains(c);
            }
            // Not understood: a key at most, then nothing more.
            match known_key(&line[i..]) {
                Some(length) => key_to = i + length,
                None => stopped = !" \t-{[:".contains(c),
            }
            !stopped
        };
        line.char_indices().map(show).collect()
    }
}

/// The length of a key of this format that `text` begins with.
fn known_key(text: &str) -> Option<usize> {
    let (word, rest) = text.split_once(':')?;
    let ends = rest.is_empty() || rest.starts_with([' ', '\t']);
    (ends && keys::is_known(word)).then_some(word.len())
}

/// The innermost collection has got a key, or a value.
fn done(frames: &mut [Frame], scalar: Option<&str>) {
    if let Some(Frame::Mapping { key, key_next }) = frames.last_mut() {
        if *key_next {
            *key = scalar.map(str::to_owned);
        }
        *key_next = !*key_next;
    }
}

/// The keys on the way to a value, outermost first; `None` if one of them is not a scalar.
fn keys(frames: &[Frame]) -> Option<Vec<&str>> {
    let mappings = frames.iter().filter_map(|f| match f {
        Frame::Mapping { key, .. } => Some(key.as_deref()),
        Frame::Sequence => None,
    });
    mappings.collect()
}

/// How a bare value at this path is shown, where one belongs.
fn scalar_shown(path: &[&str]) -> Option<Show> {
    let (form, show) = keys::find(path)?;
    (!matches!(form, Form::Named(_) | Form::Object)).then_some(show)
}

/// Names, numbers and paths are a word or a few; whole sentences have slipped.
fn is_short(value: &str) -> bool {
    value.len() <= 200 && value.split_whitespace().count() <= 3
}

/// Whether a key may be shown: a name of the user's choice where one belongs, or a word that looks
/// like a key (to point at one that is misspelled) where keys belong.
fn key_shown(key: &str, outer: &[&str]) -> bool {
    match keys::find(outer) {
        Some((Form::Named(_), show)) => show != Show::Masked || is_plain(key),
        Some((form, _)) => form.as_section().is_some() && is_plain(key),
        None => false,
    }
}

/// Whether a word looks like one of this file's keys or choices. Only such words are quoted: what
/// stands in a wrong place could be a prompt or a secret.
pub(super) fn is_plain(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b"_-".contains(&b);
    !word.is_empty() && word.len() <= 30 && word.bytes().all(plain)
}
