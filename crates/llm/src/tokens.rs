//! How many tokens a text is, when the provider does not say.

/// About how many tokens a text is: one for every four ASCII bytes and one for every two other
/// characters, rounded up.
///
/// `OpenAI`'s rule of thumb is four characters of English to a token
/// (<https://help.openai.com/en/articles/4936856>). Cyrillic has fewer and shorter entries in the same
/// vocabularies: about 2 to 2.5 characters to a token with `o200k`, so two errs on the side of caution.
/// Only the fallback: the provider's own count is used whenever it gives one.
pub fn estimate_tokens(text: &str) -> u64 {
    let characters = text.chars().count();
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let tokens = ascii.div_ceil(4) + (characters - ascii).div_ceil(2);
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_grows_with_the_text_and_knows_scripts() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("a"), 1);
        assert_eq!(estimate_tokens("four char"), 3);
        assert_eq!(estimate_tokens("доставка"), 4);
        assert!(estimate_tokens("доставка") > estimate_tokens("delivery"));
    }
}
