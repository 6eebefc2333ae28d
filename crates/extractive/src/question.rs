//! What a question is about, and what kind of thing would answer it.

use std::collections::HashSet;

use replyx_text::terms;

use super::{
    lexicon::{
        ASKING, CONDITIONS, GENERIC, INTERROGATIVES, SIGNS, WITHOUT, Wanted, lowered, names_kind,
    },
    likeness::Word,
    sentences::sentences,
};

/// A word of the question that an answer should speak of.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) word: Word,
    /// How much it counts beside its rarity: names and numbers are what a question is about.
    pub(super) weight: f32,
    /// Does it name the kind of answer that is wanted? Then an answer of that kind speaks of it.
    pub(super) kind: bool,
}

/// A question taken apart.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// What was asked.
    pub(super) text: String,
    pub(super) asked: Vec<Asked>,
    pub(super) wanted: Wanted,
    /// Does it ask for something without something else?
    pub(super) leaves_out: bool,
}

/// A question longer than this is a story; its beginning is enough, bytes.
const LONGEST: usize = 2_000;
/// The weight of a word that names the kind of answer: `how much does delivery cost` is answered by
/// `Delivery: 5 €`.
const KIND: f32 = 0.4;
/// What words count that stand beside a question:
/// `I bought a lamp. If it breaks, is there a warranty?`
const TOLD: f32 = 0.25;
/// More words than these do not make a question clearer.
const MOST_ASKED: usize = 24;

impl Question {
    pub(super) fn of(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let (asking, telling) = apart(text);
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        let leaves_out = words.any(|word| WITHOUT.has(&lowered(word)));
        let mut question =
            Self { text: text.to_owned(), asked: Vec::new(), wanted: wanted(&asking), leaves_out };
        let mut seen = HashSet::new();
        for sentence in asking {
            question.read(sentence, 1.0, &mut seen);
        }
        for sentence in telling {
            question.read(sentence, TOLD, &mut seen);
        }
        question.ask_for_kind();
        question
    }

    /// Takes the words of a sentence; their weights are multiplied by `share`.
    fn read(&mut self, sentence: &str, share: f32, seen: &mut HashSet<String>) {
        for (place, term) in terms::terms(sentence).into_iter().enumerate() {
            let original = &sentence[term.start..term.end];
            let folded = lowered(original);
            if terms::is_stop_word(original) || ASKING.has(&folded) {
                continue;
            }
            for stem in pieces(original, term.stem) {
                if self.asked.len() < MOST_ASKED && seen.insert(stem.clone()) {
                    let kind = names_kind(self.wanted, &folded);
                    let weight = if kind { KIND } else { weight(original, place == 0, &folded) };
                    self.asked.push(Asked { word: Word::of(&stem), weight: share * weight, kind });
                }
            }
        }
    }

    /// `Where are you?` asks for an address without saying the word.
    fn ask_for_kind(&mut self) {
        let known = !self.asked.is_empty() || matches!(self.wanted, Wanted::Place | Wanted::Hours);
        let named = self.asked.iter().any(|asked| asked.kind);
        if self.wanted != Wanted::Anything && known && !named {
            self.asked.push(Asked { word: Word::of(""), weight: KIND, kind: true });
        }
    }
}

/// The questions of a message: `Where are you? What is your phone?`, `Which insurance do you take
/// and where are you?`
pub(super) fn parts(text: &str) -> Vec<&str> {
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let asking: Vec<&str> = text
        .lines()
        .flat_map(sentences)
        .filter(|sentence| sentence.ends_with(['?', '？']) && sentence.contains(' '))
        .collect();
    let [one] = asking.as_slice() else { return asking };
    let joint = JOINTS.iter().find_map(|joint| {
        one.match_indices(joint).find_map(|(at, joint)| {
            let rest = &one[at + joint.len()..];
            let first = rest.split_whitespace().next()?;
            INTERROGATIVES.has(&lowered(first)).then_some((&one[..at], rest))
        })
    });
    joint.map_or_else(|| vec![*one], |(before, after)| vec![before, after])
}

/// What joins two questions.
const JOINTS: [&str; 3] = [" and ", " и ", ", а "];

/// A word as it is compared: its stem, or pairs of characters where the script has no spaces.
pub(super) fn pieces(original: &str, stem: String) -> Vec<String> {
    if !original.chars().any(is_unspaced) {
        return vec![stem];
    }
    let characters: Vec<char> = original.chars().collect();
    if characters.len() < 3 {
        return vec![original.to_owned()];
    }
    characters.windows(2).map(|pair| pair.iter().collect()).collect()
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}')
}

fn weight(original: &str, first: bool, folded: &str) -> f32 {
    let named = !first && original.chars().next().is_some_and(char::is_uppercase);
    if GENERIC.has(folded) {
        0.5
    } else if named || original.chars().any(char::is_numeric) {
        1.6
    } else {
        1.0
    }
}

/// What asks, and what is only told beside it: other sentences, and conditions.
fn apart(text: &str) -> (Vec<&str>, Vec<&str>) {
    let sentences: Vec<&str> = text.lines().flat_map(sentences).collect();
    let asks = |sentence: &str| sentence.ends_with(['?', '？']);
    let any_asks = sentences.iter().any(|sentence| asks(sentence));
    let mut asking = Vec::new();
    let mut telling = Vec::new();
    for sentence in sentences {
        let told = any_asks && !asks(sentence);
        for clause in sentence.split(", ") {
            let first = clause.split_whitespace().next().unwrap_or_default();
            let into =
                if told || CONDITIONS.has(&lowered(first)) { &mut telling } else { &mut asking };
            into.push(clause);
        }
    }
    if asking.is_empty() { (telling, asking) } else { (asking, telling) }
}

fn wanted(sentences: &[&str]) -> Wanted {
    let lower = lowered(&sentences.join(" "));
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    SIGNS.iter().find(|sign| sign.is_in(&words)).map_or(Wanted::Anything, |sign| sign.wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_say_what_kind_of_answer_they_want() {
        for (question, wanted) in [
            ("How much does delivery cost?", Wanted::Money),
            ("Сколько стоит доставка?", Wanted::Money),
            ("How many items fit?", Wanted::Number),
            ("How long does delivery take?", Wanted::Duration),
            ("Какой срок гарантии?", Wanted::Duration),
            ("Сколько дней идёт посылка?", Wanted::Duration),
            ("When was it founded?", Wanted::Time),
            ("До скольки вы работаете?", Wanted::Hours),
            ("What are your opening hours?", Wanted::Hours),
            ("Кто директор?", Wanted::Person),
            ("Где вы находитесь?", Wanted::Place),
            ("Какой у вас телефон?", Wanted::Phone),
            ("What is your e-mail?", Wanted::Email),
            ("Почему так дорого?", Wanted::Reason),
            ("Do you accept cards?", Wanted::Anything),
        ] {
            assert_eq!(Question::of(question).wanted, wanted, "{question}");
        }
    }

    #[test]
    fn what_is_told_beside_a_question_counts_less() {
        let question = Question::of("Hi! I bought a lamp yesterday. How long is the warranty?");
        assert_eq!(question.wanted, Wanted::Duration);
        let weights: Vec<f32> = question.asked.iter().map(|asked| asked.weight).collect();
        assert_eq!(weights, [1.0, TOLD, TOLD, TOLD, KIND]);
        let weights = |text| Question::of(text).asked.iter().map(|a| a.weight).collect::<Vec<_>>();
        assert_eq!(weights("If it rains, do you rent tents?"), [1.0, 1.0, TOLD]);
        assert_eq!(weights("если дождь"), [1.0]);
    }

    #[test]
    fn a_message_may_hold_two_questions() {
        assert_eq!(
            parts("Hi! Where are you? What is your phone?"),
            ["Where are you?", "What is your phone?"]
        );
        assert_eq!(
            parts("По каким страховкам работаете и где вы находитесь?"),
            ["По каким страховкам работаете", "где вы находитесь?"]
        );
        for one in ["Do you sell tea and coffee?", "Чай и кофе есть?", "How much is it?"]
        {
            assert_eq!(parts(one), [one]);
        }
    }

    #[test]
    fn words_that_only_ask_are_not_what_is_asked() {
        assert_eq!(Question::of("Подскажите, сколько можно?").asked.len(), 0);
        let chairs = Question::of("How many blue chairs?").asked;
        assert_eq!(chairs.iter().map(|asked| asked.kind).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(Question::of("Where are you?").asked.len(), 1);
        assert_eq!(Question::of("営業時間は").asked.len(), 4);
        assert!(Question::of(&"слово1 ".repeat(100_000)).asked.len() <= MOST_ASKED);
    }
}
