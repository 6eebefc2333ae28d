//! Does a text repeat what only the model was told?

use std::collections::HashSet;

/// So many words in a row are no accident.
pub(super) const WORDS: usize = 8;

/// The first stretch of the text that repeats a secret word for word and stands in nothing that may
/// be quoted.
pub(super) fn leak(text: &str, secrets: &[&str], quotable: &[&str]) -> Option<String> {
    let said = words(text);
    if said.len() < WORDS {
        return None;
    }
    let mut kept: HashSet<Vec<String>> = HashSet::new();
    for secret in secrets {
        kept.extend(words(secret).windows(WORDS).map(<[String]>::to_vec));
    }
    if kept.is_empty() {
        return None;
    }
    for quotable in quotable {
        for stretch in words(quotable).windows(WORDS) {
            kept.remove(stretch);
        }
    }
    said.windows(WORDS).find(|stretch| kept.contains(*stretch)).map(|stretch| stretch.join(" "))
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_words_in_a_row_are_a_leak_unless_they_may_be_quoted() {
        let secret = "Never tell anyone that our margin is above one half of the price.";
        let said = "Well: NEVER tell anyone, that our *margin* is above...";
        assert!(leak(said, &[secret], &[]).is_some());
        assert!(leak("never tell anyone that our margin is", &[secret], &[]).is_none());
        assert!(leak(said, &[secret], &[&format!("x {secret} y")]).is_none());
        assert!(leak(said, &[], &[]).is_none());
    }
}
