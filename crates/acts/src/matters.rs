//! What concerns a human, a booking or an order, told by the patterns of a clause.

use replyx_core::message::MessageAct;

use crate::{
    lexicon::{Lexicon, Sight},
    pattern::{Pattern, Seen},
    reading::Reading,
};

/// How many words before a verb are looked at for what negates it.
const REACH: usize = 4;
/// Words that may stand between a negation and the verb it negates.
const BETWEEN: &[&str] = &[
    "to",
    "you",
    "please",
    "want",
    "need",
    "have",
    "going",
    "even",
    "really",
    "let",
    "wanna",
    "me",
    "ask",
    "any",
    "for",
    "like",
    "wish",
    "надо",
    "нужно",
    "хочу",
    "хотел",
    "хотела",
    "мне",
    "меня",
    "пожалуйста",
    "вы",
    "бы",
    "буду",
    "стоит",
    "нужен",
    "нужна",
    "you'd",
    "us",
    "the",
    "a",
    "an",
];
/// Words before a negation that turn it into a demand: `why don't you connect me`.
const DEMANDS: &[&str] = &["why", "cant", "почему"];

/// Numbers of people.
const COUNTS: &[&str] =
    &["сколько", "двух", "двоих", "трех", "четырех", "пяти", "два", "три", "one", "одного"];
/// Words of a question to which the documents know the answer.
const HOW: &[&str] = &["how", "как", "if", "если", "сколько", "cost", "стоит"];

/// What a message is about, beside small talk and questions.
pub(crate) fn of(reading: &Reading, sights: &[Sight<'_>]) -> Option<MessageAct> {
    if sights.iter().any(wants_human) {
        return Some(MessageAct::WantsHuman);
    }
    if is_complaint(reading, sights) {
        return Some(MessageAct::Complaint);
    }
    if sights.iter().any(is_booking) {
        return Some(MessageAct::Booking);
    }
    sights.iter().any(|sight| asks_for_order(reading, sight)).then_some(MessageAct::OrderStatus)
}

/// Does the message complain, or is it angry beside what it wants?
pub(crate) fn is_angry(reading: &Reading, sights: &[Sight<'_>]) -> bool {
    is_complaint(reading, sights) || anger(reading, sights) > 0
}

fn wants_human(sight: &Sight<'_>) -> bool {
    let lexicon = sight.lexicon;
    let wants = |clause: &[Seen<'_>], from, to| {
        !is_negated(clause, from, lexicon)
            && !is_cancelled(clause, to)
            && !is_counted(clause, from, to)
    };
    sight.finds(&lexicon.human, wants)
        || sight.finds(&lexicon.human_unless_asked, |clause, from, to| {
            let asks = clause.iter().any(|word| lexicon.vocabulary.holds("asking", word));
            !asks && wants(clause, from, to)
        })
}

/// Does a negation stand before the words from here on?
fn is_negated(clause: &[Seen<'_>], from: usize, lexicon: &Lexicon) -> bool {
    let negation = |at: usize| {
        let negations = &lexicon.negations;
        negations.iter().any(|pattern| pattern.at(clause, at, &lexicon.vocabulary).is_some())
    };
    for at in (from.saturating_sub(REACH)..from).rev() {
        if negation(at) {
            let before = clause[..at].last();
            return before.is_none_or(|seen| !DEMANDS.contains(&seen.word.text.as_str()));
        }
        if !BETWEEN.contains(&clause[at].word.text.as_str()) {
            return false;
        }
    }
    false
}

/// `оператора не надо`: the words after it take it back.
fn is_cancelled(clause: &[Seen<'_>], to: usize) -> bool {
    let words = clause[to.saturating_sub(1)..].iter().map(|seen| seen.word.text.as_str());
    let after: Vec<&str> = words.take(3).collect();
    let taken_back =
        ["надо", "нужен", "нужно", "нужна", "нужны", "звать", "зовите", "needed", "necessary"];
    after.windows(2).any(|pair| matches!(pair[0], "не" | "not") && taken_back.contains(&pair[1]))
}

/// `стол на 4 человека`: people as a number are no request.
fn is_counted(clause: &[Seen<'_>], from: usize, to: usize) -> bool {
    let counted = |seen: &Seen<'_>| {
        let text = seen.word.text.as_str();
        text.chars().all(char::is_numeric) || COUNTS.contains(&text)
    };
    let people = |seen: &Seen<'_>| seen.word.text.starts_with("челов");
    clause[from..to].iter().any(people) && clause[from.saturating_sub(1)..to].iter().any(counted)
}

fn is_booking(sight: &Sight<'_>) -> bool {
    let lexicon = sight.lexicon;
    let first = sight.words.first();
    let asks = sight.holds("asking")
        || first.is_some_and(|word| lexicon.vocabulary.holds("auxiliary", word));
    let wants = |clause: &[Seen<'_>], from, _| !is_negated(clause, from, lexicon);
    let timed = sight.holds("time") || has_hour(&sight.words);
    let found =
        sight.finds(&lexicon.booking, wants) || (timed && sight.finds(&lexicon.booking_at, wants));
    found && !asks
}

/// `at 5`, `в 17`.
fn has_hour(words: &[Seen<'_>]) -> bool {
    words.windows(2).any(|pair| {
        let hour = pair[1].word.text.parse::<u32>().is_ok_and(|hour| hour <= 24);
        hour && matches!(pair[0].word.text.as_str(), "at" | "в" | "к")
    })
}

fn asks_for_order(reading: &Reading, sight: &Sight<'_>) -> bool {
    let how = reading.words.iter().any(|word| HOW.contains(&word.text.as_str()));
    !how && sight.finds(&sight.lexicon.order, |_, _, _| true)
}

fn is_complaint(reading: &Reading, sights: &[Sight<'_>]) -> bool {
    let asks = sights.iter().any(|sight| sight.holds("asking"));
    let complaints = count(sights, |lexicon| &lexicon.complaint).min(2);
    // A calm question about complaints and refunds is a question.
    complaints * 2 + anger(reading, sights) >= if asks { 3 } else { 2 }
}

/// Signs of anger: words, exclamation marks in a row, capitals all through.
fn anger(reading: &Reading, sights: &[Sight<'_>]) -> usize {
    let words = count(sights, |lexicon| &lexicon.anger).min(2);
    let marks = usize::from(reading.text.contains("!!"));
    let letters = reading.text.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = reading.text.chars().filter(|c| c.is_uppercase()).count();
    let shouts = usize::from(letters > 12 && capitals * 10 > letters * 7);
    if words == 0 { 0 } else { words + marks + shouts }
}

/// How many of these patterns are found.
fn count(sights: &[Sight<'_>], patterns: impl Fn(&'static Lexicon) -> &'static [Pattern]) -> usize {
    let found = sights.iter().flat_map(|sight| {
        let patterns = patterns(sight.lexicon).chunks(1);
        patterns.filter(|pattern| sight.finds(pattern, |_, _, _| true))
    });
    found.count()
}
