//! Is what an answer states in its sources? Pure.
//!
//! [`objections`] takes the facts of an answer that can be right or wrong (numbers, prices, shares,
//! dates, times, mail addresses, telephones, links, codes) and looks each up in what the answer may
//! rest on, however it is written there. What holds:
//!
//! - A customer's words vouch for nothing about the business. Plain numbers, times and dates from
//!   them may be echoed; prices, telephones and mail addresses only as the customer's own; links
//!   and shares never.
//! - An amount is vouched for by its row or its sentence (`subject`), in whatever unit, or by one
//!   step of reckoning from numbers that were named (`derived`).
//! - An assistant has done nothing (`acts`), agrees to nothing that a passage denies, and names
//!   no place, person or service that the sources do not (`claims`).
//! - A passage that tries to command the model (`commands`) vouches for nothing.
//! - Passages that are named must have been shown; links that run something are never right; the
//!   rules and the owner's instructions are not recited.

use std::{fmt, sync::Arc};

use derived::{Operands, is_derived};
use known::Text;
use numbers::{Unit, pattern};
use stated::{StatedAmount, Words, parts};
use subject::{Subject, is_of_another, is_stated, near};

mod acts;
mod amounts;
mod claims;
mod commands;
mod contacts;
mod dates;
mod derived;
mod fact;
mod facts;
mod kept;
mod known;
mod leak;
mod names;
mod numbers;
mod spoken;
mod stated;
mod subject;
mod text;
mod words;

pub use commands::commands;
use fact::{Fact, Side, Value};
use facts::facts;
use known::{Script, SourceFacts, Trust};
pub use leak::is_confidential;

/// No more objections than this are kept of one answer.
const OBJECTIONS: usize = 10;
/// No more of an objectionable text is shown, characters.
const SHOWN: usize = 80;

/// What kind of statement an objection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A link that runs something.
    Unsafe,
    /// A link.
    Link,
    /// A mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A share in hundredths.
    Percent,
    /// A price.
    Price,
    /// Another number.
    Number,
    /// A word of letters and digits.
    Code,
    /// A passage that was not shown.
    Citation,
    /// Words that only the model was told.
    Leak,
    /// Something that only a person can have done.
    Act,
    /// A place or a person.
    Name,
    /// A statement that the sources deny or do not know.
    Statement,
}

impl Kind {
    /// The kind in a word or two.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe link",
            Self::Link => "link",
            Self::Email => "mail address",
            Self::Phone => "telephone",
            Self::Date => "date",
            Self::Time => "time",
            Self::Percent => "percentage",
            Self::Price => "price",
            Self::Number => "number",
            Self::Code => "code",
            Self::Citation => "passage",
            Self::Leak => "instructions",
            Self::Act => "act",
            Self::Name => "name",
            Self::Statement => "statement",
        }
    }
}

/// Something in an answer that its sources do not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// What it is.
    pub kind: Kind,
    /// As the answer writes it, bounded.
    pub what: String,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.what)
    }
}

/// What an answer may rest on.
#[derive(Clone, Debug, Default)]
pub struct Grounds<'a> {
    /// The passages that were shown, in their order: title, headings and text of each.
    pub passages: Vec<String>,
    /// What the business says itself: its instructions, its texts, what it said earlier.
    pub ours: Vec<&'a str>,
    /// The time that the model was told; it vouches for dates and times, not for other numbers.
    pub now: &'a str,
    /// What the customer says, now and earlier, and what was noted of it.
    pub customer: Vec<&'a str>,
    /// What the model was told and nobody else is.
    pub secrets: Vec<&'a str>,
    /// What of that may be said all the same.
    pub quotable: Vec<&'a str>,
    /// What of that may not be said in part either.
    pub confidential: Vec<&'a str>,
}

/// What is wrong with an answer; nothing if it is empty. An answer with the marks of passages
/// (`[1]`) in it.
pub fn objections(answer: &str, grounds: &Grounds<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let plain = text::plain(&without_citations(answer, grounds.passages.len(), &mut found));
    let mut known = SourceFacts::new(grounds);
    let answer = Answer::read(&plain);
    let question = grounds.customer.first().copied().unwrap_or_default();
    for fact in &answer.facts {
        if !answer.is_harmless(fact) && !may_state(&answer, fact, question, &mut known) {
            found.push(Objection { kind: fact.value.kind(), what: shown(&plain, fact) });
        }
    }
    found.extend(statements(&plain, question, known.ours()));

    let passages = grounds.passages.iter().map(String::as_str);
    let quotable: Vec<&str> = passages.chain(grounds.quotable.iter().copied()).collect();
    let leaked = leak::leak(&plain, &grounds.secrets, &quotable)
        .or_else(|| leak::confided(&plain, &grounds.confidential, &quotable));
    if let Some(words) = leaked {
        found.push(Objection { kind: Kind::Leak, what: cut(&words) });
    }

    found.dedup();
    found.truncate(OBJECTIONS);

    found
}

/// An answer in its parts.
struct Answer<'a> {
    text: &'a str,
    facts: Vec<Fact>,
    stated: Vec<StatedAmount>,
    /// How many items its own list has.
    items: usize,
}

impl<'a> Answer<'a> {
    fn read(text: &'a str) -> Self {
        let facts = facts(text, Side::Answer);
        let stated = parts(text, &facts).stated;
        Self { text, facts, stated, items: ITEM.find_iter(text).count() }
    }

    /// Does the number claim nothing: a count of what the answer itself lists, or a number word
    /// without a unit?
    fn is_harmless(&self, fact: &Fact) -> bool {
        is_harmless(self.text, fact, self.items)
    }
}

/// Does a source vouch for the fact?
fn may_state(
    answer: &Answer<'_>,
    fact: &Fact,
    question: &str,
    known: &mut SourceFacts<'_>,
) -> bool {
    let trust = known.trust(&fact.value);
    let Some(said) = answer.stated.iter().find(|said| said.at == fact.at) else {
        return trust == Trust::Ours || (trust == Trust::Customer && may_echo(answer.text, fact));
    };
    let words = Words::of(question);
    let subject = Subject { said, question: &words, script: Script::of(answer.text) };
    let is_held = trust == Trust::Ours || is_stated(said, known.ours());
    (is_held && !is_of_another(&subject, known.ours()))
        || (trust != Trust::None && is_echo(answer.text, fact, known))
        || is_derived(&said.value, &operands(answer, &subject, question, known.ours()))
}

/// Does the answer repeat what the customer said, and may it?
fn is_echo(text: &str, fact: &Fact, known: &mut SourceFacts<'_>) -> bool {
    known.customer_holds(&fact.value) && may_echo(text, fact)
}

/// From what a number of the answer may be reckoned: the other numbers of the answer, the counts of
/// the question, and what a source states of the same matter.
fn operands(
    answer: &Answer<'_>,
    subject: &Subject<'_>,
    question: &str,
    texts: &[Arc<Text>],
) -> Operands {
    let others = answer.stated.iter().filter(|other| other.at != subject.said.at);
    let named = others.map(|other| other.value.clone()).collect();
    let asked = facts(&text::plain(question), Side::Answer);
    let counts = asked.into_iter().map(|fact| fact.value).collect();

    Operands { named, counts, near: near(subject, texts) }
}

/// What is said without a number and is not so.
fn statements(text: &str, question: &str, texts: &[Arc<Text>]) -> Vec<Objection> {
    let is_told = |words: &str| texts.iter().any(|told| told.lower.contains(&words.to_lowercase()));
    let found = [
        (Kind::Act, acts::claimed(text, is_told)),
        (Kind::Name, claims::unknown_name(text, texts)),
        (
            Kind::Statement,
            claims::yes_to_no(text, question, texts)
                .or_else(|| claims::against_denial(text, texts))
                .or_else(|| claims::unknown_service(text, question, texts)),
        ),
    ];
    let found = found.into_iter().filter_map(|(kind, at)| Some((kind, at?)));
    found.map(|(kind, at)| Objection { kind, what: cut(text[at].trim()) }).collect()
}

/// The links of an answer that run something: never right, no matter who wrote them.
pub fn unsafe_links(answer: &str) -> Vec<Objection> {
    let plain = text::plain(answer);
    let found = contacts::unsafe_links(&plain).into_iter();
    let objections =
        found.map(|at| Objection { kind: Kind::Unsafe, what: cut(&plain[at]) }).take(OBJECTIONS);
    objections.collect()
}

/// Does the text state something that can be looked up?
pub fn states(text: &str) -> bool {
    !facts(&text::plain(text), Side::Source).is_empty()
}

/// The marks by which a model names passages (`[1]`, `[2, 3]`); a link (`[1](https://…)`) is none.
pub fn citations(answer: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let marks = CITATION.find_iter(answer).map(|mark| mark.range());
    marks.filter(|mark| !answer[mark.end..].starts_with('('))
}

pattern!(CITATION, r"\[\s*\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*\s*\]");

/// The answer without the marks of passages, each of which must have been shown.
fn without_citations(answer: &str, passages: usize, found: &mut Vec<Objection>) -> String {
    let mut clean = String::with_capacity(answer.len());
    let mut end = 0;
    for mark in citations(answer) {
        clean.push_str(&answer[end..mark.start]);
        end = mark.end;
        let numbers = answer[mark].split(|c: char| !c.is_ascii_digit());
        for number in numbers.filter(|number| !number.is_empty()) {
            let shown = number.parse().is_ok_and(|number: usize| (1..=passages).contains(&number));
            if !shown {
                found.push(Objection { kind: Kind::Citation, what: format!("[{number}]") });
            }
        }
    }
    clean.push_str(&answer[end..]);
    clean
}

pattern!(ITEM, r"(?m)^\s*(?:[-•*–]|\d{1,2}[.)])\s");
pattern!(
    COUNTED,
    r"(?i)^\s(?:\w{2,14}\s)?(?:options?|ways?|steps?|variants?|reasons?|things?|questions?|possibilit\w+|choices?|methods?|вариант\w*|способ\w*|шаг\w*|причин\w*|вопрос\w*|возможност\w*|вещ\w*|момент\w*)\b"
);
pattern!(CERTAIN, r"(?i)^100\s?%\s(?:sure|certain|positive|right|уверен\w*|точно|прав\w*)\b");
pattern!(STEP, r"(?i)\b(?:step|option|variant|point|шаг|вариант|пункт|способ)\s?(?:№\s?)?$");

/// Does the number claim nothing: a count of what the answer itself lists, or a number word without
/// a unit?
fn is_harmless(text: &str, fact: &Fact, items: usize) -> bool {
    if fact.value.kind() == Kind::Percent && CERTAIN.is_match(&text[fact.at.start..]) {
        return true;
    }
    let Value::Number { ways, unit: Unit::Plain, in_words, .. } = &fact.value else { return false };
    let small: Option<usize> = ways.first().and_then(|value| value.parse().ok());
    let counted = small.is_some_and(|number| number <= 12)
        && (COUNTED.is_match(&text[fact.at.end..]) || STEP.is_match(&text[..fact.at.start]));
    // `One of us`, `two heads`: turns of phrase.
    let phrase = *in_words && small.is_some_and(|number| number <= 2);
    phrase || counted || small.is_some_and(|number| number > 0 && number == items)
}

pattern!(
    OWN,
    r"(?i)\b(?:you (?:said|wrote|mentioned|named|asked|paid|told)|your (?:budget|order|payment|message)|budget|вы (?:сказали|написали|указали|назвали|упомянули|спросили|заплатили|оплатили)|ваш\w{0,2} (?:бюджет\w*|заказ\w*|плат[её]ж\w*|сообщени\w*)|бюджет\w*)\b"
);

pattern!(
    OWN_CONTACT,
    r"(?i)\b(?:your (?:\w+ )?(?:phone|telephone|number|e-?mail|mail|contacts?|address)|(?:call|write to|reach) you\b|ваш\w{0,2} (?:\w+ )?(?:телефон\w*|номер\w*|почт\w*|e-?mail|контакт\w*|адрес\w*)|(?:позвоним|напишем|свяжемся)\b)"
);

/// May this be said because the customer has said it?
fn may_echo(text: &str, fact: &Fact) -> bool {
    match fact.value.kind() {
        Kind::Number | Kind::Date | Kind::Time | Kind::Code => true,
        Kind::Price => OWN.is_match(sentence_before(text, fact)),
        Kind::Phone | Kind::Email => OWN_CONTACT.is_match(sentence_before(text, fact)),
        _ => false,
    }
}

/// What stands before a fact in its sentence.
fn sentence_before<'t>(text: &'t str, fact: &Fact) -> &'t str {
    let begin = text[..fact.at.start].rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
    &text[begin..fact.at.start]
}

fn shown(text: &str, fact: &Fact) -> String {
    let sign = |c: char| matches!(c, '$' | '€' | '£' | '₽' | '%' | '+');
    let begin = text[..fact.at.start].chars().next_back().filter(|c| sign(*c));
    let after = &text[fact.at.end..];
    let end: String = match fact.value {
        Value::Number { unit: Unit::Plain, .. } => String::new(),
        Value::Number { .. } => {
            let word = after.trim_start().split([' ', ',', ';', '\n']).next().unwrap_or_default();
            let gap = if after.starts_with(' ') { " " } else { "" };
            format!("{gap}{}", word.trim_end_matches(['.', '!', '?', ')']))
        }
        _ => String::new(),
    };
    let fact = &text[fact.at.clone()];
    cut(&format!("{}{fact}{}", begin.map(String::from).unwrap_or_default(), end.trim_end()))
}

fn cut(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
