//! Texts from elsewhere, cut to a length.

/// The text, of which no more than the first `most` bytes are kept: what is left out is said with `…`,
/// and no memory is kept for it.
pub(crate) fn shorten(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_characters_are_kept() {
        let check = |text: &str, expect: &str| assert_eq!(shorten(text.to_owned(), 4), expect);
        check("", "");
        check("four", "four");
        check("fours", "four…");
        check("äää", "ää…");
        check("aäää", "aä…");
        assert!(shorten("x".repeat(1 << 20), 4).capacity() < 100);
    }
}
