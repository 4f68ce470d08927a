//! Answers that are none: a model whose numerics are broken answers `!!!!!!` fast and politely.

/// What such an answer has at least.
const LEAST_TOKENS: u64 = 16;
/// Of the answer, in tenths.
const MOST_OF_IT: usize = 9;
/// The longest unit, in characters, whose repetition is certainly no answer.
const SHORT_UNIT: usize = 4;
/// The longest unit, in characters, whose repetition is worth counting.
const LONG_UNIT: usize = 64;
/// And how often at least.
const LEAST_TIMES: usize = 8;
/// Words of which a share must be different ones.
const WINDOW: usize = 64;
/// Longer texts are judged by their beginning.
const MAX_CHARACTERS: usize = 1 << 16;

/// How sure it is that a text is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Degenerate {
    /// It looks like one.
    #[default]
    No,
    /// Something longer is repeated over and over, which may have been asked for.
    Perhaps,
    /// One unit of at most four characters fills nine tenths, or U+FFFD half of it.
    Certainly,
}

/// Judges a text of so many tokens.
#[must_use]
pub fn degenerate(text: &str, tokens: u64) -> Degenerate {
    let characters: Vec<char> = text.chars().take(MAX_CHARACTERS).collect();
    // No token is shorter than a character.
    let tokens = tokens.min(characters.len() as u64);
    if tokens < LEAST_TOKENS {
        return Degenerate::No;
    }
    let broken = characters.iter().filter(|c| **c == '\u{fffd}').count();
    let fills =
        |period: &usize| 10 * longest_run(&characters, *period) >= MOST_OF_IT * characters.len();
    if 2 * broken >= characters.len() || (1..=SHORT_UNIT).any(|period| fills(&period)) {
        return Degenerate::Certainly;
    }
    let repeats = |period: &usize| period * LEAST_TIMES <= characters.len() && fills(period);
    let perhaps = (SHORT_UNIT + 1..=LONG_UNIT).any(|period| repeats(&period));
    if perhaps { Degenerate::Perhaps } else { Degenerate::No }
}

/// Characters of the longest stretch that repeats a unit of so many characters.
fn longest_run(characters: &[char], period: usize) -> usize {
    let (mut run, mut longest) = (0, 0);
    for (here, before) in characters.iter().skip(period).zip(characters) {
        run = if here == before { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    if longest == 0 { 0 } else { longest + period }
}

/// The smallest share of different words in any 64 that follow each other; 1 for a shorter text. A
/// word is letters in a row, or any other single character that is not blank.
#[must_use]
#[allow(clippy::cast_precision_loss)] // at most 64
pub fn least_distinct(text: &str) -> f64 {
    let words = words(text);
    if words.len() < WINDOW {
        return 1.0;
    }
    let mut counts = std::collections::HashMap::new();
    let mut least = WINDOW;
    for (i, word) in words.iter().enumerate() {
        *counts.entry(*word).or_insert(0_u32) += 1;
        if let Some(gone) = i.checked_sub(WINDOW).map(|before| words[before])
            && let Some(count) = counts.get_mut(gone)
        {
            *count -= 1;
            if *count == 0 {
                counts.remove(gone);
            }
        }
        if i + 1 >= WINDOW {
            least = least.min(counts.len());
        }
    }
    least as f64 / WINDOW as f64
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(letters.max(first.len_utf8()));
        words.push(word);
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Degenerate) {
        let tokens = text.chars().count() as u64;
        assert_eq!(degenerate(text, tokens), expect, "{text}");
    }

    #[test]
    fn one_short_unit_over_and_over() {
        check(&"!".repeat(16), Degenerate::Certainly);
        check(&"!".repeat(15), Degenerate::No);
        check(&format!("Sure: {}", "!".repeat(60)), Degenerate::Certainly);
        check(&format!("Sure, here it is: {}", "!".repeat(60)), Degenerate::No);
        check(&" the".repeat(20), Degenerate::Certainly);
        check(&"\n".repeat(64), Degenerate::Certainly);
        check(&"\u{fffd}x\u{fffd}y".repeat(8), Degenerate::Certainly);
        check(&format!("{}{}", "\u{fffd}".repeat(10), "a quick brown fox"), Degenerate::No);
        // Few tokens, however long.
        assert_eq!(degenerate(&"!".repeat(100), 15), Degenerate::No);
    }

    #[test]
    fn something_longer_is_only_counted() {
        check(&"so it goes, ".repeat(12), Degenerate::Perhaps);
        check(&"so it goes, ".repeat(7), Degenerate::No);
    }

    #[test]
    fn healthy_answers() {
        check(
            "The harbour office keeps a log of every ship that enters or leaves.",
            Degenerate::No,
        );
        check("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n| 7 | 8 |", Degenerate::No);
        check("for i in range(10):\n    for j in range(10):\n        print(i * j)", Degenerate::No);
        check("", Degenerate::No);
    }

    #[test]
    fn different_words() {
        assert!((least_distinct("too short to say") - 1.0).abs() < 1e-9);
        assert!((least_distinct(&"one two ".repeat(50)) - 2.0 / 64.0).abs() < 1e-9);
        let varied: String =
            ('a'..='z').flat_map(|a| ['x', 'y', 'z'].map(|b| format!("{a}{b} "))).collect();
        assert!(least_distinct(&varied) > 0.99);
        // The worst window counts.
        assert!(least_distinct(&(varied + &"no ".repeat(64))) < 0.02);
        assert_eq!(words("Ab, c1é 2!"), ["Ab", ",", "c", "1", "é", "2", "!"]);
    }
}
