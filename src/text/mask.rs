//! Masks known texts (secrets, prompts) in what a server sent, however it has written them.
//!
//! A mask is as long as what it hides, so that framing and sizes stay as they were. A text is found as
//! it is and in every form of JSON strings, also in strings within strings; and so is its beginning,
//! for what quotes often cuts off.

use std::collections::HashSet;

/// What stands in the place of each masked byte.
const MASK: u8 = b'*';

/// Shorter secrets are none, and would mask words of any answer.
const LEAST_SECRET: usize = 8;
/// The same of a prompt, or of its beginning.
const LEAST_PROMPT: usize = 24;

/// Texts that are to be masked. Their beginnings are a tree of characters, so that looking through an
/// answer takes as long for a thousand texts as for one.
pub struct Mask {
    nodes: Vec<Node>,
    needles: Vec<Needle>,
    known: HashSet<Vec<char>>,
    /// The bytes with which any of the texts may begin: every answer is looked through, and few of its
    /// bytes are those.
    begins: [bool; 256],
}

#[derive(Default)]
struct Node {
    /// In order of the characters.
    children: Vec<(char, usize)>,
    /// Those whose beginning this is, long enough to be masked without the rest.
    needles: Vec<usize>,
}

/// What follows the beginning.
struct Needle(Vec<char>);

impl Default for Mask {
    fn default() -> Self {
        let root = vec![Node::default()];
        Self { nodes: root, needles: Vec::new(), known: HashSet::new(), begins: [false; 256] }
    }
}

impl Mask {
    /// Masks this secret.
    pub fn secret(&mut self, text: &str) {
        self.add(text, LEAST_SECRET);
    }

    /// Masks this prompt, as a whole and each of its lines.
    pub fn prompt(&mut self, text: &str) {
        self.add(text, LEAST_PROMPT);
        if text.trim().contains('\n') {
            text.lines().for_each(|line| self.add(line, LEAST_PROMPT));
        }
    }

    fn add(&mut self, text: &str, least: usize) {
        let mut text: Vec<char> = text.trim().chars().collect();
        if text.len() < least {
            return;
        }
        // However often a backslash is escaped, it takes what there is of them. What is left of the
        // text may be shorter than the least, and is no less secret.
        text.dedup_by(|a, b| (*a, *b) == ('\\', '\\'));
        if !self.known.insert(text.clone()) {
            return;
        }
        let rest = text.split_off(least.min(text.len()));
        let mut node = 0;
        for character in &text {
            let children = &self.nodes[node].children;
            node = match children.binary_search_by_key(character, |(c, _)| *c) {
                Ok(at) => children[at].1,
                Err(at) => {
                    let new = self.nodes.len();
                    self.nodes[node].children.insert(at, (*character, new));
                    self.nodes.push(Node::default());
                    new
                }
            };
        }
        self.nodes[node].needles.push(self.needles.len());
        self.needles.push(Needle(rest));
        let mut buffer = [0; 4];
        let first = text[0].encode_utf8(&mut buffer).as_bytes()[0];
        self.begins[usize::from(first)] = true;
        self.begins[usize::from(b'\\')] = true; // an escape
    }

    /// Masks in place; whether there was something to mask.
    pub fn bytes(&self, bytes: &mut [u8]) -> bool {
        let (mut at, mut found, mut paths) = (0, false, Vec::new());
        while at < bytes.len() {
            if !self.begins[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            match self.length_at(&bytes[at..], &mut paths) {
                Some(length) => {
                    bytes[at..at + length].fill(MASK);
                    found = true;
                    at += length;
                }
                // What begins within a run of backslashes begins with its first one, too.
                None => at += slashes(&bytes[at..]).max(1),
            }
        }
        found
    }

    /// How many of the first bytes write one of the texts, or enough of its beginning: the most.
    /// `paths` is empty before and after.
    fn length_at(&self, bytes: &[u8], paths: &mut Vec<(usize, usize)>) -> Option<usize> {
        let mut longest = None;
        paths.push((0, 0));
        while let Some((node, at)) = paths.pop() {
            let Node { children, needles } = &self.nodes[node];
            let ends = needles.iter().map(|n| at + self.needles[*n].length_at(&bytes[at..]));
            longest = longest.max(ends.max());
            if children.is_empty() {
                continue;
            }
            for (character, length) in readings(&bytes[at..]).into_iter().flatten() {
                if let Ok(child) = children.binary_search_by_key(&character, |(c, _)| *c) {
                    paths.push((children[child].1, at + length));
                }
            }
        }
        longest
    }

    /// The same of a text.
    pub fn text(&self, text: &mut String) {
        let mut bytes = std::mem::take(text).into_bytes();
        self.bytes(&mut bytes);
        // Whole characters were masked.
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }
}

impl Needle {
    /// How many of the first bytes write it, as far as they do.
    fn length_at(&self, bytes: &[u8]) -> usize {
        let mut at = 0;
        for wanted in &self.0 {
            let reading = readings(&bytes[at..]).into_iter().flatten().find(|(c, _)| c == wanted);
            let Some((_, length)) = reading else { break };
            at += length;
        }
        at
    }
}

fn slashes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| **b == b'\\').count()
}

/// The characters that the first bytes may stand for, and how many bytes that takes: itself, or after
/// backslashes these, or what they escape.
fn readings(bytes: &[u8]) -> [Option<(char, usize)>; 2] {
    match slashes(bytes) {
        0 => [first_character(bytes), None],
        slashes => {
            let escaped = escaped(&bytes[slashes..]);
            [Some(('\\', slashes)), escaped.map(|(c, length)| (c, slashes + length))]
        }
    }
}

fn first_character(bytes: &[u8]) -> Option<(char, usize)> {
    let chunk = bytes[..bytes.len().min(4)].utf8_chunks().next()?;
    let character = chunk.valid().chars().next()?;
    Some((character, character.len_utf8()))
}

/// What these bytes are after a backslash.
fn escaped(bytes: &[u8]) -> Option<(char, usize)> {
    let (first, rest) = bytes.split_first()?;
    let short = match first {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'"' => '"',
        b'\'' => '\'',
        b'/' => '/',
        b'u' => return unicode(rest).map(|(c, length)| (c, 1 + length)),
        _ => return None,
    };
    Some((short, 1))
}

/// Four hexadecimal digits, or twice as many for a pair.
fn unicode(digits: &[u8]) -> Option<(char, usize)> {
    let first = unit(digits)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, 4));
    }
    let behind = &digits[4..];
    let again = slashes(behind);
    let second = behind[again..].strip_prefix(b"u").filter(|_| again > 0)?;
    let pair = char::decode_utf16([first, unit(second)?]).next()?.ok()?;
    Some((pair, 4 + again + 5))
}

/// Four hexadecimal digits.
fn unit(digits: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "sk-\"ä\"/\\n𝄞-0123456789";

    fn masked(text: &str) -> String {
        let mut mask = Mask::default();
        mask.secret(SECRET);
        mask.prompt(
            "What is the capital of the country of Franconia?\nSecond line, which is long enough.",
        );
        let mut masked = text.to_owned();
        mask.text(&mut masked);
        assert_eq!(masked.len(), text.len(), "{text}");
        masked
    }

    fn hidden(text: &str) -> String {
        "*".repeat(text.len())
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
        let once = json(SECRET);
        let ascii = "sk-\\u0022\\u00E4\\u0022\\/\\\\n\\uD834\\uDD1e-0123456789".to_owned();
        for text in [SECRET.to_owned(), once.clone(), json(&once), ascii.clone(), json(&ascii)] {
            let quoted = format!("{{\"error\": \"no {text}!\"}}");
            let expect = format!("{{\"error\": \"no {}!\"}}", hidden(&text));
            assert_eq!(masked(&quoted), expect);
        }
    }

    #[test]
    fn the_beginning_of_what_is_cut_off_is_found_and_nothing_else() {
        assert_eq!(masked("sk-\"ä\"/\\n"), hidden("sk-\"ä\"/\\n"));
        assert_eq!(masked("sk-\"ä"), "sk-\"ä", "of some words of any text");
        let prompt = "What is the capital of the country";
        assert_eq!(masked(&format!("{prompt}…(cut)")), hidden(prompt) + "…(cut)");
        assert_eq!(masked("What is the capital?"), "What is the capital?");
        let line = "Second line, which is long enough.";
        assert_eq!(masked(&format!("'{line}'")), format!("'{}'", hidden(line)));
    }

    #[test]
    fn a_secret_of_few_characters_and_many_backslashes_is_found() {
        let secret = r"a\\\\bcd";
        let mut mask = Mask::default();
        mask.secret(secret);
        for text in [secret, r"a\\\\\\\\bcd"] {
            let mut bytes = text.as_bytes().to_vec();
            assert!(mask.bytes(&mut bytes) && bytes == hidden(text).as_bytes(), "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_not_masked() {
        let mut mask = Mask::default();
        mask.secret("none");
        mask.prompt("Say hello.");
        let mut bytes = b"none: Say hello.".to_vec();
        assert!(!mask.bytes(&mut bytes) && bytes == b"none: Say hello.");
    }

    /// Of the size of the answer alone, whoever writes it and however long the prompt is.
    #[test]
    fn a_long_answer_to_a_long_prompt_is_looked_through_once() {
        let mut mask = Mask::default();
        let line =
            |i: usize| format!("    if value_{i} == \"the same beginning of every line\" {{");
        let prompt: Vec<_> = (0..2_000).map(line).collect();
        mask.prompt(&prompt.join("\n"));
        mask.secret("sk-0123456789");
        for piece in ["\\", "\\n", "if value_", "\\u005c", "    if value_1"] {
            let mut bytes = piece.repeat((1 << 20) / piece.len()).into_bytes();
            let before = bytes.clone();
            assert!(!mask.bytes(&mut bytes) && bytes == before, "{piece}");
        }
        let mut text = line(7);
        mask.text(&mut text);
        assert_eq!(text, format!("    {}", "*".repeat(line(7).len() - 4)));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_a_secret_never_stays(
            secret in "(\\PC|[\\\\\"/nu0 ]){8,20}", before in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut mask = Mask::default();
            mask.secret(&secret);
            let json = serde_json::to_string(&secret).unwrap();
            let mut bytes = [&before[..], json.as_bytes()].concat();
            mask.bytes(&mut bytes);
            if secret.trim().chars().count() >= LEAST_SECRET {
                let json = json.trim_matches('"').trim();
                prop_assert!(!bytes.windows(json.len()).any(|w| w == json.as_bytes()));
            }
        }
    }
}
