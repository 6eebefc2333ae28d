//! How a text becomes terms: the words that search compares.
//!
//! Both databases index the terms made here, and questions go through the same mill, so a word
//! finds its other forms on every home alike. Words of Russian, English, German, French and Spanish
//! are reduced to their stems (Snowball, and what it leaves apart in Russian); words of other
//! languages are folded only, and scripts without blanks give pairs of characters. Which rules
//! apply is decided for each word by its script and the language of the text around it. Numbers and
//! codes stay as they are.
//!
//! Whenever the terms of any text change, [`VERSION`] is raised, and what was indexed before is
//! indexed again.

mod fold;
mod morphology;
mod russian;
mod script;
mod spelling;
mod stop;
mod words;

use fold::{bare, fold};
use morphology::Stemmers;
use words::words;

pub use script::differ_in_script;
pub use spelling::{other_layout, other_script};

/// The version of the rules: grows when the terms of any text change.
pub const VERSION: i64 = 2;

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

/// A word of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedWord {
    /// The word, folded.
    pub word: String,
    /// Its stems by the rules of each language it may be of, the likeliest first, without
    /// repetition.
    pub stems: Vec<String>,
    /// It carries grammar rather than meaning.
    pub stop: bool,
}

/// The stems of a text in Russian, English or both, in order. Stop words stay: see
/// [`is_stop_word`].
pub fn terms(text: &str) -> Vec<Term> {
    terms_in(text, "")
}

/// The stems of a text in a language (ISO 639-1, empty: not known), in order. Stop words stay.
pub fn terms_in(text: &str, language: &str) -> Vec<Term> {
    let stemmers = Stemmers::new();
    words(text)
        .map(|(start, word)| Term {
            stem: stemmers.stem(word, language),
            start,
            end: start + word.len(),
        })
        .filter(|term| !term.stem.is_empty())
        .collect()
}

/// The stems of a text in Russian, English or both, joined by spaces.
pub fn index_text(text: &str) -> String {
    index_terms(text, "")
}

/// The stems of a text in a language (ISO 639-1, empty: not known) joined by spaces: what the
/// full-text index stores.
pub fn index_terms(text: &str, language: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for term in terms_in(text, language) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&term.stem);
    }
    joined
}

/// The distinct stems of a question that carry meaning, in order of appearance; all its stems when
/// it is made of stop words alone.
pub fn query_terms(question: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut meaning: Vec<String> = Vec::new();
    let stemmers = Stemmers::new();
    for (_, word) in words(question) {
        let stem = stemmers.stem(word, "");
        if stem.is_empty() {
            continue;
        }
        if !is_stop_word(word) && !meaning.contains(&stem) {
            meaning.push(stem.clone());
        }
        if !all.contains(&stem) {
            all.push(stem);
        }
    }
    if meaning.is_empty() { all } else { meaning }
}

/// The words of a question put to texts in `languages` (ISO 639-1), in order. Which language the
/// question is in is told by its stop words; only that language's stop words count as such.
pub fn asked(question: &str, languages: &[&str]) -> Vec<AskedWord> {
    let stemmers = Stemmers::new();
    let folded: Vec<String> =
        words(question).map(|(_, word)| fold(word)).filter(|word| !word.is_empty()).collect();
    let own = latin_language(&folded, languages);
    folded
        .into_iter()
        .map(|word| {
            let mut stems = vec![stemmers.stem_by(&word, morphology::of(&word, own))];
            for morphology in morphology::among(&word, languages) {
                let stem = stemmers.stem_by(&word, morphology);
                if !stems.contains(&stem) {
                    stems.push(stem);
                }
            }
            let plain = bare(&word);
            let stop = is_listed(&plain, own) || is_listed(&plain, "ru");
            AskedWord { word, stems, stop }
        })
        .collect()
}

/// Which of the languages in Latin letters a question is in: that of most of its stop words, and of
/// the earliest where they tie.
fn latin_language<'l>(folded: &[String], languages: &[&'l str]) -> &'l str {
    let mut best = ("en", 0);
    for language in std::iter::once(&"en").chain(languages).filter(|language| **language != "ru") {
        let hits = folded.iter().filter(|word| is_listed(&bare(word), language)).count();
        if hits > best.1 {
            best = (language, hits);
        }
    }
    best.0
}

/// Does the word carry grammar rather than meaning in English or Russian (`the`, `is`, `как`, `в`)?
/// Any case.
pub fn is_stop_word(word: &str) -> bool {
    let word = fold(word);
    is_listed(&word, "en") || is_listed(&word, "ru")
}

fn is_listed(word: &str, language: &str) -> bool {
    stop::of(language).binary_search(&word).is_ok()
}

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
    fn fleeting_vowels_do_not_divide_a_russian_word() {
        for forms in [
            &["день", "дня", "дней", "дни", "дням", "днём"][..],
            &["деньги", "денег", "деньгами"],
            &["скидка", "скидок", "скидки"],
            &["подарок", "подарка", "подарков"],
            &["копейка", "копеек"],
            &["отец", "отца"],
            &["окно", "окон"],
            &["лёд", "льда"],
        ] {
            for form in forms {
                assert_eq!(index_text(form), index_text(forms[0]), "{form}");
            }
        }
        assert_ne!(index_text("лес"), index_text("лось"));
        assert_ne!(index_text("дом"), index_text("дама"));
        assert_ne!(index_text("рот"), index_text("рута"));
    }

    #[test]
    fn each_language_has_its_rules() {
        let same = |language: &str, one: &str, other: &str| {
            assert_eq!(index_terms(one, language), index_terms(other, language), "{one} {other}");
        };
        same("de", "Rückgabe", "rueckgabe");
        same("de", "Straßen", "strassen");
        same("de", "Häuser", "Haus");
        same("de", "Quelle", "Quellen");
        same("fr", "livraisons", "livraison");
        same("fr", "échanges", "echange");
        same("es", "devoluciones", "devolución");
        same("es", "envíos", "envio");
        // Latin words in a Russian text are English, Cyrillic ones in a German text Russian.
        same("ru", "deliveries", "delivery");
        same("de", "доставки", "доставка");
        // No rules: folded only.
        assert_eq!(index_terms("Consegne Città", "it"), "consegne citta");
        assert_eq!(index_terms("доставки", "uk"), "доставки");
    }

    #[test]
    fn spellings_that_look_the_same_are_the_same() {
        assert_eq!(index_text("мои\u{306} за\u{301}мок"), index_text("мой замок"));
        assert_eq!(index_terms("e\u{301}change", "fr"), index_terms("échange", "fr"));
        assert_eq!(index_text("co\u{ad}operate"), index_text("cooperate"));
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
    fn the_language_of_a_question_is_told_by_its_stop_words() {
        let meaning = |question: &str, languages: &[&str]| -> Vec<String> {
            let words = asked(question, languages);
            words.into_iter().filter(|word| !word.stop).map(|word| word.word).collect()
        };
        assert_eq!(meaning("Wann kommt die Lieferung?", &["en", "de"]), ["kommt", "lieferung"]);
        assert_eq!(
            meaning("Can plants die in winter?", &["en", "de"]),
            ["plants", "die", "winter"]
        );
        assert_eq!(meaning("Où est mon colis", &["fr"]), ["colis"]);
        assert_eq!(
            meaning("сколько стоит the delivery", &["de"]),
            ["сколько", "стоит", "delivery"]
        );
        let words = asked("Lieferungen", &["de", "en"]);
        assert!(words[0].stems.contains(&index_terms("Lieferung", "de")));
        assert!(words[0].stems.contains(&index_terms("Lieferungen", "en")));
    }

    #[test]
    fn endless_words_are_cut() {
        assert_eq!(index_text(&"щ".repeat(10_000)).chars().count(), fold::LONGEST);
    }
}
