//! What the sources hold, in a form in which facts can be looked up.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex},
};

use super::{
    Grounds,
    commands::commands,
    contacts::{Link, same_phone},
    dates::Date,
    fact::{Fact, Side, Value},
    facts::facts,
    kept::{self, Kept},
    names::names,
    numbers::{Unit, currencies, pattern},
    stated::{Sentence, StatedAmount, Words, parts},
    text::plain,
};

static KEPT: LazyLock<Mutex<Kept<Text>>> = LazyLock::new(Mutex::default);

/// Who vouches for a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The passages, or what the business says itself.
    Ours,
    /// The customer alone.
    Customer,
    /// Nobody.
    None,
}

/// What the sources hold. A text is read when a fact is looked up that the texts before it do not
/// hold: most answers rest on their first passage.
pub(super) struct SourceFacts<'g> {
    ours: Source<'g>,
    customer: Source<'g>,
}

/// Texts, and those of them that were read.
struct Source<'g> {
    unread: Box<dyn Iterator<Item = &'g str> + Send + 'g>,
    keep: Retention,
    read: Vec<Arc<Text>>,
    clock: Facts,
}

/// Whether what was read of a text is kept for the next answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retention {
    /// Passages and the business's own texts come again.
    Kept,
    /// A customer's words are read once.
    Read,
}

/// A text as far as answers are compared with it.
#[derive(Debug, Default)]
pub(super) struct Text {
    facts: Facts,
    /// What it says of what.
    pub(super) stated: Vec<StatedAmount>,
    /// Its sentences.
    pub(super) sentences: Vec<Sentence>,
    /// All its words that carry meaning.
    pub(super) words: Words,
    /// The currencies it counts in.
    pub(super) currencies: Vec<char>,
    /// Is it written in Cyrillic letters?
    pub(super) script: Script,
    /// The text as people read it.
    pub(super) plain: String,
    /// The same in small letters.
    pub(super) lower: String,
    /// The names in it, by their sound.
    pub(super) names: Vec<String>,
}

/// The letters of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Script {
    /// Latin letters, or others than Cyrillic.
    #[default]
    Latin,
    /// Cyrillic letters.
    Cyrillic,
}

impl Script {
    pub(super) fn of(text: &str) -> Self {
        let letters = text.chars().filter(|c| c.is_alphabetic());
        let count = letters.clone().count();
        let cyrillic = letters.filter(|c| matches!(c, '\u{400}'..='\u{52f}')).count();
        if cyrillic * 2 > count { Self::Cyrillic } else { Self::Latin }
    }
}

impl Text {
    /// Takes a text apart.
    pub(super) fn read(text: &str) -> Self {
        let text = plain(text);
        let found = facts(&text, Side::Source);
        let parts = parts(&text, &found);
        let lower = text.to_lowercase();
        Self {
            facts: Facts::of(found, &text),
            stated: parts.stated,
            sentences: parts.sentences,
            words: Words::of(&text),
            currencies: currencies(&text),
            script: Script::of(&text),
            lower,
            names: names(&text),
            plain: text,
        }
    }
}

#[derive(Debug, Default)]
struct Facts {
    links: HashSet<Link>,
    hosts: HashSet<String>,
    emails: HashSet<String>,
    phones: Vec<String>,
    dates: Vec<Date>,
    times: HashSet<u32>,
    numbers: HashMap<String, Vec<Unit>>,
    /// A text that counts in hundredths somewhere, as the head of a table does.
    hundredths: bool,
}

pattern!(ALWAYS, r"(?i)круглосуточн|around the clock|24 ?/ ?7|24 hours|24 часа");
pattern!(HUNDREDTHS, r"(?m)(?:^|[^\d\s])\s*%|(?i:процент|percent)");

impl<'g> SourceFacts<'g> {
    pub(super) fn new(grounds: &'g Grounds<'_>) -> Self {
        let passages = grounds.passages.iter().map(String::as_str).filter(|text| !commands(text));
        let mut ours = Source::of(passages.chain(grounds.ours.iter().copied()), Retention::Kept);
        ours.clock.read_clock(grounds.now);
        Self { ours, customer: Source::of(grounds.customer.iter().copied(), Retention::Read) }
    }

    pub(super) fn trust(&mut self, value: &Value) -> Trust {
        if self.ours.holds(value) {
            Trust::Ours
        } else if self.customer.holds(value) {
            Trust::Customer
        } else {
            Trust::None
        }
    }

    /// All that the business says, read to its end.
    pub(super) fn ours(&mut self) -> &[Arc<Text>] {
        self.ours.all()
    }

    /// Does the customer say it?
    pub(super) fn customer_holds(&mut self, value: &Value) -> bool {
        self.customer.holds(value)
    }
}

impl<'g> Source<'g> {
    fn of(texts: impl Iterator<Item = &'g str> + Send + 'g, keep: Retention) -> Self {
        Self { unread: Box::new(texts), keep, read: Vec::new(), clock: Facts::default() }
    }

    fn all(&mut self) -> &[Arc<Text>] {
        while self.read_on() {}
        &self.read
    }

    fn read_on(&mut self) -> bool {
        let Some(text) = self.unread.next() else { return false };
        self.read.push(match self.keep {
            Retention::Kept => kept::read(&KEPT, text, Text::read),
            Retention::Read => Arc::new(Text::read(text)),
        });
        true
    }

    /// What holds a fact goes on holding it whatever else is read, so the first text that vouches
    /// ends the look-up.
    fn holds(&mut self, value: &Value) -> bool {
        loop {
            let texts = || self.read.iter().map(|text| &text.facts).chain([&self.clock]);
            let whole = Whole {
                hundredths: texts().any(|facts| facts.hundredths),
                has_number: &|number| texts().any(|facts| facts.numbers.contains_key(number)),
            };
            let has_code = |code: &str| self.read.iter().any(|text| has_word(&text.lower, code));
            let held = match value {
                Value::Code(code) => has_code(code),
                value => texts().any(|facts| facts.hold(value, &whole)),
            };
            if held {
                return true;
            }
            if !self.read_on() {
                return false;
            }
        }
    }
}

/// What all the texts that were read say together.
struct Whole<'w> {
    hundredths: bool,
    has_number: &'w dyn Fn(&str) -> bool,
}

/// Does the code stand in the text as a word of its own? `SALE5` is not in `SALE50`.
fn has_word(text: &str, code: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(code).any(|(at, code)| {
        ends(text[..at].chars().next_back()) && ends(text[at + code.len()..].chars().next())
    })
}

impl Facts {
    /// The facts of a text that is plain.
    fn of(facts: Vec<Fact>, text: &str) -> Self {
        let mut known = Self::default();
        for fact in facts {
            known.add(fact.value);
        }

        if ALWAYS.is_match(text) {
            known.count(Some("24".to_owned()), Unit::Plain);
            known.count(Some("7".to_owned()), Unit::Plain);
        }

        known.hundredths = HUNDREDTHS.is_match(text);
        known
    }

    fn add(&mut self, value: Value) {
        match value {
            Value::Unsafe | Value::Code(_) => {}
            Value::Link(link) => {
                self.hosts.insert(link.host.clone());
                self.links.insert(link);
            }
            Value::Email(email) => {
                self.hosts.extend(email.split('@').nth(1).map(str::to_owned));
                self.emails.insert(email);
            }
            Value::Phone(phone) => self.phones.push(phone),
            Value::Date(ways) => {
                for date in &ways {
                    self.count(date.year.map(|year| year.to_string()), Unit::Plain);
                    self.count(date.day.map(|day| day.to_string()), Unit::Plain);
                }
                self.dates.extend(ways);
            }
            Value::Time(minutes) => {
                self.times.insert(minutes);
                let hour = minutes / 60;
                self.count(Some(hour.to_string()), Unit::Span('h'));
                self.count(Some((hour % 12).to_string()), Unit::Span('h'));
            }
            Value::Number { ways, unit, date, time, .. } => {
                self.dates.extend(date);
                self.times.extend(time);
                for value in ways {
                    self.count(Some(value), unit);
                }
            }
        }
    }

    /// The clock says which day and time it is. That it is 06:35 vouches for no six days.
    fn read_clock(&mut self, now: &str) {
        let now = plain(now);
        let clock = Self::of(facts(&now, Side::Source), &now);
        for date in &clock.dates {
            self.count(date.year.map(|year| year.to_string()), Unit::Plain);
        }
        self.dates.extend(clock.dates);
        self.times.extend(clock.times);
    }

    fn count(&mut self, value: Option<String>, unit: Unit) {
        if let Some(value) = value {
            self.numbers.entry(value).or_default().push(unit);
        }
    }

    fn hold(&self, value: &Value, whole: &Whole<'_>) -> bool {
        match value {
            Value::Unsafe | Value::Code(_) => false,
            Value::Link(link) => self.link(link),
            Value::Email(email) => self.emails.contains(email),
            Value::Phone(phone) => self.phones.iter().any(|known| same_phone(known, phone)),
            Value::Date(ways) => ways.iter().any(|date| self.date(*date, whole)),
            Value::Time(minutes) => self.time(*minutes),
            Value::Number { ways, unit, date, time, .. } => {
                ways.iter().any(|value| self.number(value, *unit, whole))
                    || date.is_some_and(|date| self.date(date, whole))
                    || time.is_some_and(|time| self.times.contains(&time))
            }
        }
    }

    /// The same page, or the front page of a place that is named.
    fn link(&self, link: &Link) -> bool {
        let front = link.path.is_empty() && link.query.is_empty();
        self.links.contains(link)
            || (front && self.hosts.contains(&link.host))
            || (link.query.is_empty()
                && self
                    .links
                    .iter()
                    .any(|known| known.host == link.host && known.path == link.path))
    }

    fn date(&self, date: Date, whole: &Whole<'_>) -> bool {
        self.dates.iter().any(|known| {
            let year_known = date.year.is_none()
                || known.year.is_some()
                || date.year.is_some_and(|year| (whole.has_number)(&year.to_string()));
            date.agrees(*known) && year_known
        })
    }

    fn time(&self, minutes: u32) -> bool {
        let whole = |hour: u32| self.numbers.get(&hour.to_string());
        let bare = |hour: u32| {
            let spoken = |unit: &Unit| matches!(unit, Unit::Plain | Unit::Span('h'));
            whole(hour).is_some_and(|units| units.iter().any(spoken))
        };
        self.times.contains(&minutes) || (minutes.is_multiple_of(60) && bare(minutes / 60))
    }

    fn number(&self, value: &str, unit: Unit, whole: &Whole<'_>) -> bool {
        let Some(known) = self.numbers.get(value) else { return false };
        known.iter().any(|known| match (unit, *known) {
            (Unit::Percent, Unit::Plain) => whole.hundredths,
            (Unit::Price(one), Unit::Price(other)) => {
                one.is_none() || other.is_none() || one == other
            }
            (Unit::Span(one), Unit::Span(other)) => one == other,
            (_, Unit::Plain) | (Unit::Plain, _) => true,
            (unit, known) => unit == known,
        })
    }
}
