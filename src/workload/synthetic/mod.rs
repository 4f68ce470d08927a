//! Texts of a given number of tokens, made of plain words when they are sent.

mod lengths;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use lengths::{LEAST_TOKENS, Lengths, MOST_TOKENS};
use words::words;

use crate::text::fnv::{BASIS, fnv1a};

/// Of words that are one token each, so many are enough to make texts of.
const ENOUGH_WORDS: usize = 100;

/// Tokens of a block of a trace: Mooncake's.
pub const BLOCK_TOKENS: u32 = 512;

/// A prompt whose text is made when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Made {
    /// Of its text, with whatever stands in front of it; more than zero.
    pub tokens: u32,
    /// What its blocks are called, in order, so that prompts with the same first blocks begin with
    /// the same text; empty where nothing is known of its beginning.
    pub blocks: Arc<[u64]>,
    /// The longest answer that is asked for, where a trace says so.
    pub output_tokens: Option<u32>,
    /// When a trace says that it arrived, since the trace began.
    pub at: Option<Duration>,
}

/// Words with their numbers of tokens, and a seed from which fixed texts follow.
#[derive(Clone)]
pub struct Lexicon {
    seed: u64,
    words: Arc<[(&'static str, u32)]>,
    tokenizer: Option<Arc<str>>,
    count: Option<Count>,
}

type Count = Arc<dyn Fn(&str) -> Option<u64> + Send + Sync>;

impl Lexicon {
    /// Without a tokenizer: each word is taken for one token, which is nearly right for common words
    /// and the vocabularies of today, and said wherever it is used.
    #[must_use]
    pub fn estimated(seed: u64) -> Self {
        let words = words().map(|word| (word, 1)).collect();
        Self { seed, words, tokenizer: None, count: None }
    }

    /// By the tokenizer of this name. Where enough words are one token each, there are no others.
    #[must_use]
    pub fn counted(
        seed: u64,
        tokenizer: &str,
        count: impl Fn(&str) -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        // As it counts within a text: at its beginning some tokenizers count a space of their own.
        const BEFORE: &str = "of";
        let alone = count(BEFORE).unwrap_or(1);
        let cost = |word: &'static str| {
            let both = count(&format!("{BEFORE} {word}")).unwrap_or(alone + 1);
            (word, u32::try_from(both.saturating_sub(alone).max(1)).unwrap_or(u32::MAX))
        };
        let all: Vec<_> = words().map(cost).collect();
        let whole: Vec<_> = all.iter().copied().filter(|(_, cost)| *cost == 1).collect();
        let words = if whole.len() >= ENOUGH_WORDS { whole } else { all };
        let (tokenizer, count) = (Some(tokenizer.into()), Some(Arc::new(count) as Count));
        Self { seed, words: words.into(), tokenizer, count }
    }

    /// The tokenizer that counts; `None` where it is an estimate.
    #[must_use]
    pub fn tokenizer(&self) -> Option<&str> {
        self.tokenizer.as_deref()
    }

    /// Its seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A text of so many tokens.
    pub fn text(&self, tokens: u32, rng: &mut impl RngExt) -> String {
        let (mut text, mut left) = (String::new(), tokens);
        while left > 0 {
            let (mut word, mut cost) = self.words[rng.random_range(0..self.words.len())];
            if cost > left {
                let cheapest = self.words.iter().min_by_key(|(_, cost)| *cost);
                (word, cost) = cheapest.copied().unwrap_or((word, cost));
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
            left = left.saturating_sub(cost);
        }
        text
    }

    /// The text of this kind and number, always the same; a shorter one is the longer one's
    /// beginning.
    #[must_use]
    pub fn fixed(&self, kind: Fixed, number: u64, tokens: u32) -> String {
        let seed = fnv1a(fnv1a(BASIS, &self.seed.to_le_bytes()), &[kind as u8]);
        let seed = fnv1a(seed, &number.to_le_bytes());
        self.text(tokens, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// The text of a prompt that is always the same: of its blocks, where they are known.
    #[must_use]
    pub fn shared(&self, made: &Made, number: u64) -> String {
        let (mut parts, mut left) = (Vec::new(), made.tokens);
        for block in made.blocks.iter() {
            let tokens = left.min(BLOCK_TOKENS);
            if tokens == 0 {
                break;
            }
            parts.push(self.fixed(Fixed::Block, *block, tokens));
            left -= tokens;
        }
        if left > 0 {
            parts.push(self.fixed(Fixed::Prompt, number, left));
        }
        parts.join(" ")
    }

    /// Tokens of a given text, or about so many.
    #[must_use]
    pub fn tokens_of(&self, text: &str) -> u32 {
        let counted = self.count.as_ref().and_then(|count| count(text));
        let estimate = || text.split_whitespace().count() as u64;
        u32::try_from(counted.unwrap_or_else(estimate)).unwrap_or(u32::MAX)
    }
}

/// What a fixed text is for.
#[derive(Debug, Clone, Copy)]
pub enum Fixed {
    /// A prompt that is sent as it stands.
    Prompt,
    /// A prefix that prompts take turns with.
    Tile,
    /// A block of a trace.
    Block,
}

/// Whoever counts, it is the same text that is asked for.
impl PartialEq for Lexicon {
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed
    }
}

impl fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lexicon({} words)", self.words.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Two tokens for every word with an even number of letters, but not at the beginning.
    fn letters(text: &str) -> u64 {
        let cost = |word: &str| 1 + u64::from(word.len().is_multiple_of(2));
        text.split(' ').map(cost).sum()
    }

    #[test]
    fn a_text_has_the_tokens_that_were_asked_for() {
        let lexicon = Lexicon::counted(1, "letters", |text| Some(letters(text)));
        assert_eq!(lexicon.tokenizer(), Some("letters"));
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for tokens in [1, 2, 9, 500, 4_001] {
            let text = lexicon.text(tokens, &mut rng);
            assert_eq!(letters(&text), u64::from(tokens), "{text}");
            assert_eq!(lexicon.tokens_of(&text), tokens);
        }
        let few = Lexicon::counted(1, "all are long", |text| {
            Some(text.split(' ').map(|word| 1 + word.len() as u64 % 3).sum::<u64>() + 1)
        });
        let text = few.text(1_000, &mut rng);
        assert!(few.tokens_of(&text).abs_diff(1_000) <= 2, "{}", few.tokens_of(&text));
        let estimated = Lexicon::estimated(1);
        assert_eq!(estimated.text(77, &mut rng).split(' ').count(), 77);
        assert_eq!((estimated.tokenizer(), estimated.tokens_of("a b  c")), (None, 3));
    }

    #[test]
    fn fixed_texts_follow_from_their_seed_and_a_shorter_one_is_a_beginning() {
        let (one, other) = (Lexicon::estimated(1), Lexicon::estimated(2));
        let tile = |lexicon: &Lexicon, number, tokens| lexicon.fixed(Fixed::Tile, number, tokens);
        assert_eq!(tile(&one, 0, 50), tile(&one.clone(), 0, 50));
        assert!(tile(&one, 0, 50).starts_with(&tile(&one, 0, 20)));
        let texts = [
            tile(&one, 0, 50),
            tile(&one, 1, 50),
            tile(&other, 0, 50),
            one.fixed(Fixed::Block, 0, 50),
            one.fixed(Fixed::Prompt, 0, 50),
        ];
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), texts.len());
    }

    #[test]
    fn prompts_with_the_same_blocks_begin_alike() {
        let lexicon = Lexicon::estimated(1);
        let text = |tokens, blocks: &[u64]| {
            lexicon.shared(&Made { tokens, blocks: blocks.into(), ..Made::default() }, 9)
        };
        let (long, short) = (text(1_600, &[7, 8, 9, 10]), text(1_100, &[7, 8, 11]));
        assert_eq!(long.split(' ').count(), 1_600);
        let alike = long.split(' ').zip(short.split(' ')).take_while(|(a, b)| a == b).count();
        assert!((1_024..1_030).contains(&alike), "{alike}");
        assert_eq!(text(700, &[7]).split(' ').count(), 700, "more tokens than blocks");
        assert_eq!(text(300, &[]).split(' ').count(), 300);
    }
}
