//! How a text becomes terms: the words that search compares.
//!
//! Both databases index the terms made here, and questions go through the same mill, so a word finds its
//! other forms on every home alike. Russian and English words are reduced to their stems (Snowball); `ё`
//! is `е`; numbers and codes stay as they are.

use rust_stemmers::{Algorithm, Stemmer};

/// Words longer than this are cut: no language needs more, and hostile input must not blow up an index.
const LONGEST: usize = 40;

/// A word of a text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The stem.
    pub stem: String,
    /// Where the word begins in the text, bytes.
    pub start: usize,
    /// Where the word ends in the text, bytes, exclusive.
    pub end: usize,
}

/// The stems of a text in order. Stop words stay: see [`is_stop_word`].
pub fn terms(text: &str) -> Vec<Term> {
    let stemmers = Stemmers::new();
    words(text)
        .map(|(start, word)| Term { stem: stemmers.stem(word), start, end: start + word.len() })
        .collect()
}

/// The stems of a text joined by spaces: what the full-text index stores.
pub fn index_text(text: &str) -> String {
    let stems: Vec<String> = terms(text).into_iter().map(|term| term.stem).collect();
    stems.join(" ")
}

/// The distinct stems of a question that carry meaning, in order of appearance; all its stems when it is
/// made of stop words alone.
pub fn query_terms(question: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut meaning: Vec<String> = Vec::new();
    let stemmers = Stemmers::new();
    for (_, word) in words(question) {
        let stem = stemmers.stem(word);
        if !is_stop_word(word) && !meaning.contains(&stem) {
            meaning.push(stem.clone());
        }
        if !all.contains(&stem) {
            all.push(stem);
        }
    }
    if meaning.is_empty() { all } else { meaning }
}

/// Does the word carry grammar rather than meaning (`the`, `is`, `как`, `в`)? Any case.
pub fn is_stop_word(word: &str) -> bool {
    let word = fold(word);
    ENGLISH_STOP.binary_search(&word.as_str()).is_ok()
        || RUSSIAN_STOP.binary_search(&word.as_str()).is_ok()
}

struct Stemmers {
    english: Stemmer,
    russian: Stemmer,
}

impl Stemmers {
    fn new() -> Self {
        Self {
            english: Stemmer::create(Algorithm::English),
            russian: Stemmer::create(Algorithm::Russian),
        }
    }

    fn stem(&self, word: &str) -> String {
        let folded = fold(word);
        if folded.bytes().any(|byte| byte.is_ascii_digit()) {
            folded
        } else if folded.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            self.english.stem(&folded).into_owned()
        } else {
            self.russian.stem(&folded).into_owned()
        }
    }
}

fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ё' { 'е' } else { c })
        .filter(|c| c.is_alphanumeric())
        .take(LONGEST)
        .collect()
}

/// Maximal runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let begin = rest + text[rest..].find(char::is_alphanumeric)?;
        let end = text[begin..]
            .find(|c: char| !c.is_alphanumeric())
            .map_or(text.len(), |length| begin + length);
        rest = end;
        Some((begin, &text[begin..end]))
    })
}

const ENGLISH_STOP: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "d", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "here",
    "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "ll", "m", "may", "me",
    "might", "my", "no", "not", "of", "on", "or", "our", "please", "re", "s", "shall", "she",
    "should", "so", "some", "t", "tell", "than", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "those", "to", "us", "ve", "was", "we", "were", "what", "when",
    "where", "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
];

const RUSSIAN_STOP: &[&str] = &[
    "а",
    "без",
    "бы",
    "был",
    "была",
    "были",
    "было",
    "быть",
    "в",
    "вам",
    "вас",
    "ваш",
    "ваша",
    "ваше",
    "ваши",
    "во",
    "вот",
    "все",
    "вы",
    "где",
    "да",
    "для",
    "до",
    "его",
    "ее",
    "если",
    "есть",
    "еще",
    "же",
    "за",
    "здесь",
    "и",
    "из",
    "или",
    "им",
    "их",
    "к",
    "как",
    "какая",
    "какие",
    "каким",
    "каких",
    "какого",
    "какое",
    "какой",
    "какую",
    "ко",
    "когда",
    "кто",
    "ли",
    "либо",
    "меня",
    "мне",
    "мой",
    "мы",
    "на",
    "над",
    "нам",
    "нас",
    "наш",
    "не",
    "него",
    "нее",
    "нет",
    "ни",
    "них",
    "но",
    "о",
    "об",
    "он",
    "она",
    "они",
    "оно",
    "от",
    "по",
    "под",
    "пожалуйста",
    "при",
    "про",
    "с",
    "свой",
    "себя",
    "со",
    "так",
    "также",
    "такой",
    "там",
    "те",
    "тем",
    "то",
    "того",
    "тоже",
    "той",
    "только",
    "том",
    "тот",
    "ту",
    "ты",
    "у",
    "уже",
    "чего",
    "чем",
    "что",
    "чтобы",
    "эта",
    "эти",
    "это",
    "этого",
    "этой",
    "этом",
    "этот",
    "эту",
    "я",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_a_term_in_both_languages() {
        assert_eq!(index_text("Возврат возврата"), index_text("возвратом Возврату"));
        assert_eq!(index_text("delivery"), index_text("Deliveries"));
        assert_eq!(index_text("Ещё зелёный"), index_text("еще зеленый"));
    }

    #[test]
    fn terms_know_where_they_stand() {
        let text = "Цена: 4 990 ₽ (RX-200)";
        let found: Vec<&str> = terms(text).iter().map(|t| &text[t.start..t.end]).collect();
        assert_eq!(found, ["Цена", "4", "990", "RX", "200"]);
    }

    #[test]
    fn a_question_keeps_the_words_that_carry_meaning() {
        assert_eq!(query_terms("What is the delivery price?"), ["deliveri", "price"]);
        assert_eq!(query_terms("Как вернуть товар?"), ["вернут", "товар"]);
        assert_eq!(query_terms("who are you"), ["who", "are", "you"]);
        assert!(query_terms("?!…").is_empty());
    }

    #[test]
    fn the_stop_lists_are_sorted_for_binary_search() {
        assert!(ENGLISH_STOP.is_sorted());
        assert!(RUSSIAN_STOP.is_sorted());
    }

    #[test]
    fn endless_words_are_cut() {
        assert_eq!(index_text(&"щ".repeat(10_000)).chars().count(), LONGEST);
    }
}
