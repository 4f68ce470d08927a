//! Masks known texts (secrets, prompts) in what a server sent, however it has written them.
//!
//! A mask is as long as what it hides, so that framing and sizes stay as they were. A text is found as
//! it is and in every form of JSON strings, also in strings within strings; and so is its beginning,
//! for what quotes often cuts off.

/// What stands in the place of each masked byte.
const MASK: u8 = b'*';

/// Shorter secrets are none, and would mask words of any answer.
const LEAST_SECRET: usize = 8;
/// The same of a prompt, or of its beginning.
const LEAST_PROMPT: usize = 24;

/// Texts that are to be masked.
#[derive(Default)]
pub struct Mask(Vec<Needle>);

struct Needle {
    text: Vec<char>,
    /// So many characters of its beginning are masked without the rest.
    least: usize,
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
        let text: Vec<char> = text.trim().chars().collect();
        let known = self.0.iter().any(|needle| needle.text == text);
        if text.len() >= least && !known {
            self.0.push(Needle { text, least });
        }
    }

    /// Masks in place; whether there was something to mask.
    pub fn bytes(&self, bytes: &mut [u8]) -> bool {
        let begins = self.begins();
        let (mut at, mut found) = (0, false);
        while at < bytes.len() {
            if !begins[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            let longest = self.0.iter().filter_map(|needle| needle.length_at(&bytes[at..])).max();
            match longest {
                Some(length) => {
                    bytes[at..at + length].fill(MASK);
                    found = true;
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The bytes with which any of the texts may begin: every answer is looked through, and few of its
    /// bytes are those.
    fn begins(&self) -> [bool; 256] {
        let mut begins = [false; 256];
        for first in self.0.iter().filter_map(|needle| needle.text.first()) {
            let mut buffer = [0; 4];
            begins[usize::from(first.encode_utf8(&mut buffer).as_bytes()[0])] = true;
            begins[usize::from(b'\\')] = true; // an escape
        }
        begins
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
    /// How many of the first bytes write the text, or enough of its beginning.
    fn length_at(&self, bytes: &[u8]) -> Option<usize> {
        let (mut at, mut characters) = (0, 0);
        let mut text = self.text.iter().copied().peekable();
        while let Some(wanted) = text.next() {
            if wanted == '\\' {
                // However often it is escaped, it takes what there is of them.
                while text.next_if_eq(&'\\').is_some() {
                    characters += 1;
                }
            }
            let Some(length) = character_at(&bytes[at..], wanted) else { break };
            at += length;
            characters += 1;
        }
        (characters >= self.least).then_some(at)
    }
}

/// How many of the first bytes write this character.
fn character_at(bytes: &[u8], wanted: char) -> Option<usize> {
    let mut buffer = [0; 4];
    let plain = wanted.encode_utf8(&mut buffer).as_bytes();
    let slashes = bytes.iter().take_while(|b| **b == b'\\').count();
    if wanted == '\\' {
        return Some(slashes).filter(|n| *n > 0);
    }
    if bytes.starts_with(plain) {
        return Some(plain.len());
    }
    let escaped = &bytes[slashes..];
    let (first, rest) = escaped.split_first().filter(|_| slashes > 0)?;
    let short = match first {
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        b'b' => Some('\u{8}'),
        b'f' => Some('\u{c}'),
        b'"' => Some('"'),
        b'\'' => Some('\''),
        b'/' => Some('/'),
        _ => None,
    };
    if short == Some(wanted) {
        return Some(slashes + 1);
    }
    if *first != b'u' {
        return None;
    }
    let unit = unit(rest)?;
    let mut units = [0; 2];
    match *wanted.encode_utf16(&mut units) {
        [one] if one == unit => Some(slashes + 5),
        [high, low] if high == unit => {
            let behind = &rest[4..];
            let again = behind.iter().take_while(|b| **b == b'\\').count();
            let second = behind[again..].strip_prefix(b"u").filter(|_| again > 0)?;
            (self::unit(second)? == low).then_some(slashes + 5 + again + 5)
        }
        _ => None,
    }
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
    fn what_is_no_secret_is_not_masked() {
        let mut mask = Mask::default();
        mask.secret("none");
        mask.prompt("Say hello.");
        let mut bytes = b"none: Say hello.".to_vec();
        assert!(!mask.bytes(&mut bytes) && bytes == b"none: Say hello.");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_a_secret_never_stays(
            secret in "\\PC{8,20}", before in prop::collection::vec(any::<u8>(), 0..20),
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
