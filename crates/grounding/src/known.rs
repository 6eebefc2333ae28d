//! What the sources hold, in a form in which facts can be looked up.

use std::collections::{HashMap, HashSet};

use super::{
    Grounds,
    commands::commands,
    contacts::{Link, same_phone},
    dates::Date,
    facts::{Value, facts},
    numbers::{Unit, pattern},
    text::plain,
};

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
pub(super) struct Known<'g> {
    ours: Source<'g>,
    customer: Source<'g>,
}

/// Texts, and the facts of those that were read.
struct Source<'g> {
    unread: Box<dyn Iterator<Item = &'g str> + Send + 'g>,
    facts: Facts,
}

#[derive(Default)]
struct Facts {
    links: HashSet<Link>,
    hosts: HashSet<String>,
    emails: HashSet<String>,
    phones: Vec<String>,
    dates: Vec<Date>,
    times: HashSet<u32>,
    numbers: HashMap<String, Vec<Unit>>,
    /// The texts themselves, in small letters, for codes.
    texts: Vec<String>,
    /// A text that counts in hundredths somewhere, as the head of a table does.
    hundredths: bool,
}

pattern!(ALWAYS, r"(?i)круглосуточн|around the clock|24 ?/ ?7|24 hours|24 часа");
pattern!(HUNDREDTHS, r"(?m)(?:^|[^\d\s])\s*%|(?i:процент|percent)");

impl<'g> Known<'g> {
    pub(super) fn new(grounds: &'g Grounds<'_>) -> Self {
        let passages = grounds.passages.iter().map(String::as_str).filter(|text| !commands(text));
        let mut ours = Source::of(passages.chain(grounds.ours.iter().copied()));
        ours.facts.read_clock(grounds.now);
        Self { ours, customer: Source::of(grounds.customer.iter().copied()) }
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
}

impl<'g> Source<'g> {
    fn of(texts: impl Iterator<Item = &'g str> + Send + 'g) -> Self {
        Self { unread: Box::new(texts), facts: Facts::default() }
    }

    /// What holds a fact goes on holding it whatever else is read, so the first text that vouches
    /// ends the look-up.
    fn holds(&mut self, value: &Value) -> bool {
        loop {
            if self.facts.hold(value) {
                return true;
            }
            let Some(text) = self.unread.next() else { return false };
            self.facts.read(text);
        }
    }
}

/// Does the code stand in the text as a word of its own? `SALE5` is not in `SALE50`.
fn has_word(text: &str, code: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(code).any(|(at, code)| {
        ends(text[..at].chars().next_back()) && ends(text[at + code.len()..].chars().next())
    })
}

impl Facts {
    fn read(&mut self, text: &str) {
        let text = plain(text);
        for fact in facts(&text, true) {
            match fact.value {
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

        if ALWAYS.is_match(&text) {
            self.count(Some("24".to_owned()), Unit::Plain);
            self.count(Some("7".to_owned()), Unit::Plain);
        }

        self.hundredths |= HUNDREDTHS.is_match(&text);
        self.texts.push(text.to_lowercase());
    }

    /// The clock says which day and time it is. That it is 06:35 vouches for no six days.
    fn read_clock(&mut self, now: &str) {
        let mut clock = Self::default();
        clock.read(now);
        for date in &clock.dates {
            self.count(date.year.map(|year| year.to_string()), Unit::Plain);
        }
        self.dates.extend(clock.dates);
        self.times.extend(clock.times);
        self.texts.extend(clock.texts);
    }

    fn count(&mut self, value: Option<String>, unit: Unit) {
        if let Some(value) = value {
            self.numbers.entry(value).or_default().push(unit);
        }
    }

    fn hold(&self, value: &Value) -> bool {
        match value {
            Value::Unsafe => false,
            Value::Link(link) => self.link(link),
            Value::Email(email) => self.emails.contains(email),
            Value::Phone(phone) => self.phones.iter().any(|known| same_phone(known, phone)),
            Value::Date(ways) => ways.iter().any(|date| self.date(*date)),
            Value::Time(minutes) => self.time(*minutes),
            Value::Number { ways, unit, date, time, .. } => {
                ways.iter().any(|value| self.number(value, *unit))
                    || date.is_some_and(|date| self.date(date))
                    || time.is_some_and(|time| self.times.contains(&time))
            }
            Value::Code(code) => self.texts.iter().any(|text| has_word(text, code)),
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

    fn date(&self, date: Date) -> bool {
        self.dates.iter().any(|known| {
            let year_known = date.year.is_none()
                || known.year.is_some()
                || date.year.is_some_and(|year| self.numbers.contains_key(&year.to_string()));
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

    fn number(&self, value: &str, unit: Unit) -> bool {
        let Some(known) = self.numbers.get(value) else { return false };
        known.iter().any(|known| match (unit, *known) {
            (Unit::Percent, Unit::Plain) => self.hundredths,
            (Unit::Price(one), Unit::Price(other)) => {
                one.is_none() || other.is_none() || one == other
            }
            (Unit::Span(one), Unit::Span(other)) => one == other,
            (_, Unit::Plain) | (Unit::Plain, _) => true,
            (unit, known) => unit == known,
        })
    }
}
