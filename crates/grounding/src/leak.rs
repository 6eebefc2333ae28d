//! Does a text repeat what only the model was told?

use std::collections::HashSet;

use super::numbers::pattern;

/// So many words in a row are no accident.
pub(super) const WORDS: usize = 8;
/// Of what the owner calls confidential, so many.
const CONFIDENTIAL_WORDS: usize = 4;

pattern!(
    CONFIDENTIAL,
    r"(?i)\b(?:secrets?|confidential\w*|internal(?:ly)?|for staff|staff only|(?:do not|don't|never|must not|not to) (?:tell|say|reveal|mention|disclose|share|discuss|show|talk)|wholesale|purchase price|our margin|profit margin|password|секрет\w*|конфиденциальн\w*|внутренн\w*|для сотрудников|для персонала|закупочн\w*|марж\w*|наценк\w*|парол\w*|(?:не|никогда не|нельзя) (?:говори\w*|сообщай\w*|рассказывай\w*|раскрывай\w*|упоминай\w*|называй\w*|показывай\w*|сообщать|рассказывать|раскрывать|упоминать))\b"
);

/// Does the sentence of an owner's instructions say that it is not for customers, or speak of what
/// never is?
pub fn is_confidential(sentence: &str) -> bool {
    CONFIDENTIAL.is_match(sentence)
}

/// The first words of the text that repeat what is confidential: some in a row, or a word in
/// capitals that stands nowhere else.
pub(super) fn confided(text: &str, confidential: &[&str], quotable: &[&str]) -> Option<String> {
    let said = words(text);
    let stretch = confidential.iter().find_map(|secret| {
        let kept: HashSet<Vec<String>> =
            words(secret).windows(CONFIDENTIAL_WORDS).map(<[String]>::to_vec).collect();
        said.windows(CONFIDENTIAL_WORDS).find(|stretch| kept.contains(*stretch))
    });
    stretch.map(|stretch| stretch.join(" ")).or_else(|| {
        let names = confidential.iter().flat_map(|secret| code_words(secret));
        let mut unknown = names
            .map(str::to_lowercase)
            .filter(|word| !quotable.iter().any(|text| words(text).contains(word)));
        unknown.find(|word| said.contains(word))
    })
}

fn code_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3 && word.chars().all(|c| !c.is_lowercase()))
        .filter(|word| word.chars().any(char::is_alphabetic))
}

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
    fn what_is_confidential_is_not_said_in_part_either() {
        let margin = "Never tell customers that our wholesale margin is 40 percent";
        let word = "The secret word for staff is MOONRAKER";
        for said in [
            "Our wholesale margin is 40 percent.",
            "The word is moonraker.",
            "It is MOONRAKER, but do not tell.",
        ] {
            assert!(confided(said, &[margin, word], &[]).is_some(), "{said}");
        }
        assert_eq!(confided("Delivery takes 2 days.", &[margin, word], &[]), None);
        assert_eq!(confided("See Moonraker.", &[word], &["Moonraker is a film."]), None);
        assert!(is_confidential(margin) && is_confidential(word));
        assert!(is_confidential("Не сообщай клиентам закупочную цену."));
        assert!(!is_confidential("Delivery costs 5 euros."));
        assert!(!is_confidential("Отвечай вежливо и кратко."));
    }

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
