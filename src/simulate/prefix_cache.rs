//! Which beginnings of prompts the server has seen, so that it need not compute them again.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};

/// A block is cached whole or not at all, as in real servers (16 tokens of 4 characters).
const BLOCK_BYTES: usize = 64;
const BLOCK_TOKENS: u32 = 16;
/// Blocks remembered; the least recently used is forgotten first.
const CAPACITY: usize = 65_536;

/// Keeps hashes, never text. A block's hash covers everything before it.
#[derive(Debug)]
pub(super) struct PrefixCache {
    capacity: usize,
    tick: u64,
    last_use: HashMap<u64, u64>,
    by_age: BTreeMap<u64, u64>,
}

impl Default for PrefixCache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl PrefixCache {
    fn with_capacity(capacity: usize) -> Self {
        Self { capacity, tick: 0, last_use: HashMap::new(), by_age: BTreeMap::new() }
    }

    /// Tokens at the beginning of `prompt` that are known, and remembers the whole of it.
    pub fn look_up(&mut self, prompt: &str) -> u32 {
        let mut known = 0;
        let mut all_known = true;
        let mut hasher = DefaultHasher::new();
        for block in prompt.as_bytes().chunks_exact(BLOCK_BYTES).take(self.capacity) {
            hasher.write(block);
            all_known &= self.touch(hasher.finish());
            known += if all_known { BLOCK_TOKENS } else { 0 };
        }
        known
    }

    /// Whether the block was known; it is the most recently used one now.
    fn touch(&mut self, block: u64) -> bool {
        self.tick += 1;
        let before = self.last_use.insert(block, self.tick);
        if let Some(before) = before {
            self.by_age.remove(&before);
        }
        self.by_age.insert(self.tick, block);
        if self.last_use.len() > self.capacity
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.last_use.remove(&oldest);
        }
        before.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_blocks_from_the_beginning_are_known() {
        let mut cache = PrefixCache::default();
        let prompt = "a".repeat(150);
        let check = |cache: &mut PrefixCache, prompt: &str, expect: u32| {
            assert_eq!(cache.look_up(prompt), expect, "{prompt}");
        };
        check(&mut cache, &prompt, 0);
        check(&mut cache, &prompt, 32);
        check(&mut cache, &prompt[..100], 16);
        check(&mut cache, &format!("b{prompt}"), 0);
        check(&mut cache, &format!("{}{}", &prompt[..64], "c".repeat(64)), 16);
    }

    #[test]
    fn the_least_recently_used_block_is_forgotten() {
        let mut cache = PrefixCache::with_capacity(2);
        let [one, two, three] = ["1", "2", "3"].map(|c| c.repeat(64));
        cache.look_up(&one);
        cache.look_up(&two);
        assert_eq!(cache.look_up(&one), 16);
        cache.look_up(&three);
        assert_eq!(cache.look_up(&one), 16, "used more recently than two");
        assert_eq!(cache.look_up(&two), 0);
        assert!(cache.last_use.len() <= 2 && cache.by_age.len() <= 2);
    }
}
