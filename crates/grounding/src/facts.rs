//! The facts of a text that can be right or wrong: each is looked for in turn, and what one of them
//! is made of is not taken for another.

use std::ops::Range;

use super::{
    contacts::{emails, links, phones, unsafe_links},
    dates::{dates, short_date, short_time, times},
    fact::{Fact, Side, Value},
    numbers::{CENTS, Unit, pattern, scaled, unit, values},
    spoken::{self, spoken},
    words::{meant, words},
};

pattern!(NUMBER, r"\d{1,3}(?:[ ,.'’]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?");
pattern!(CODE, r"\b(?:[^\W\d_][\w-]*\d[\w-]*|\d+[^\W\d_]{2,}\d[\w-]*|\w{40,})\b");
pattern!(
    COUNTED_WORD,
    r"(?i)\b([^\W\d_]{1,15})\s?(?:%|percent|per\s?cent|процент|[$€£₽]|руб|евро|euro|долл|dollar)"
);
pattern!(
    BEFORE_CENTS,
    r"(?i)^\s?(?:[$€£₽]|руб\w*\.?|rub\w*|roubles?|долл\w*\.?|dollars?|usd|евро|euros?|eur|pounds?|gbp|грн\.?|гривн?\w*)\s(?:and\s|и\s)?$"
);
pattern!(JOINED, r"(?i)^\s?(?:[-–—/]|to|до|or|или|and|и|по)\s?$");

/// The facts of a text in the order of their places. Numbers within telephones count too when the
/// text is a source, because what looks like one may be a row of numbers.
pub(super) fn facts(text: &str, side: Side) -> Vec<Fact> {
    let mut rest = text.to_owned();
    let mut facts = Vec::new();
    for at in unsafe_links(&rest) {
        facts.push(Fact { at, value: Value::Unsafe });
    }

    blank(&mut rest, &facts);
    take(&mut rest, &mut facts, links, Value::Link);
    take(&mut rest, &mut facts, emails, Value::Email);
    let dates = |text: &str| dates(text).into_iter().map(|found| (found.at, found.ways)).collect();
    take(&mut rest, &mut facts, dates, Value::Date);
    let times = |text: &str| {
        times(text).into_iter().filter_map(|found| Some((found.at, *found.ways.first()?))).collect()
    };
    take(&mut rest, &mut facts, times, Value::Time);
    take(&mut rest, &mut facts, spoken::times, Value::Time);

    let said = spoken(&rest, side);
    blank(&mut rest, &said);
    facts.extend(said);
    let before_phones = rest.clone();
    take(&mut rest, &mut facts, phones, Value::Phone);

    if side == Side::Source {
        rest = before_phones;
    }

    take(&mut rest, &mut facts, codes, Value::Code);
    facts.extend(with_cents(&rest, numbers(&rest)));

    if side == Side::Source {
        facts.extend(groups(&rest));
    }

    facts.sort_by_key(|fact| fact.at.start);
    facts
}

/// Finds facts of one kind and takes their places out of the text.
fn take<T>(
    rest: &mut String,
    facts: &mut Vec<Fact>,
    find: impl Fn(&str) -> Vec<(Range<usize>, T)>,
    value: impl Fn(T) -> Value,
) {
    let found: Vec<Fact> =
        find(rest).into_iter().map(|(at, found)| Fact { at, value: value(found) }).collect();
    blank(rest, &found);
    facts.extend(found);
}

/// Blanks, of the same length in bytes, where the facts stand.
fn blank(rest: &mut String, facts: &[Fact]) {
    for fact in facts {
        rest.replace_range(fact.at.clone(), &"\u{1}".repeat(fact.at.len()));
    }
}

/// Words of letters and digits, unless the letters are only a unit behind the digits or an
/// ordinal's end.
fn codes(text: &str) -> Vec<(Range<usize>, String)> {
    CODE.find_iter(text).map(|found| (found.range(), found.as_str().to_lowercase())).collect()
}

fn numbers(text: &str) -> Vec<Fact> {
    let mut facts: Vec<Fact> = written(text)
        .into_iter()
        .filter(|at| !is_numbering(text, at))
        .map(|at| number(text, at))
        .collect();
    for (at, value) in words(text) {
        let (unit, zeros) = unit("", &text[at.end..]);
        let ways = vec![scaled(&value, zeros)];
        let value = Value::Number { ways, unit, date: None, time: None, in_words: true };
        facts.push(Fact { at, value });
    }
    facts.extend(meant_numbers(text, &facts));
    facts.sort_by_key(|fact| fact.at.start);
    // In `3-5 days` and `$50-60` both numbers count the same.
    for index in (0..facts.len().saturating_sub(1)).rev() {
        share_unit(text, &mut facts, index, index + 1);
    }
    for index in 0..facts.len().saturating_sub(1) {
        share_unit(text, &mut facts, index + 1, index);
    }
    facts
}

/// Words before a share or a currency that are meant as numbers: misspelt, or in Roman digits.
fn meant_numbers(text: &str, known: &[Fact]) -> Vec<Fact> {
    let counted = COUNTED_WORD.captures_iter(text).filter_map(|found| found.get(1));
    let free = counted.filter(|word| known.iter().all(|fact| !fact.at.contains(&word.start())));
    free.filter_map(|word| {
        let unit = unit("", &text[word.end()..]).0;
        let ways = vec![meant(word.as_str())?.to_string()];
        let counts = matches!(unit, Unit::Percent | Unit::Price(_));
        let value = Value::Number { ways, unit, date: None, time: None, in_words: true };
        counts.then_some(Fact { at: word.range(), value })
    })
    .collect()
}

/// `4 euros 50 cents` is one price.
fn with_cents(text: &str, facts: Vec<Fact>) -> Vec<Fact> {
    let mut joined: Vec<Fact> = Vec::with_capacity(facts.len());
    for fact in facts {
        let whole = joined.last_mut().filter(|before| before.at.end <= fact.at.start);
        if let Some(whole) = whole
            && let Some(cents) = cents(&fact.value)
            && BEFORE_CENTS.is_match(&text[whole.at.end..fact.at.start])
            && let Value::Number { ways, unit: Unit::Price(Some(currency)), .. } = &mut whole.value
            && *currency != CENTS
            && ways.iter().all(|way| !way.contains('.'))
        {
            for way in ways.iter_mut() {
                *way = values(&format!("{way}.{cents:02}")).swap_remove(0);
            }
            whole.at.end = fact.at.end;
        } else {
            joined.push(fact);
        }
    }
    joined
}

/// The hundredths of a currency that a number counts.
fn cents(value: &Value) -> Option<u32> {
    match value {
        Value::Number { ways, unit: Unit::Price(Some(CENTS)), .. } => {
            ways.first()?.parse().ok().filter(|cents| *cents < 100)
        }
        _ => None,
    }
}

/// Where numbers stand. `10 1500` is two of them: groups have three digits.
fn written(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(number) = NUMBER.find_at(text, from) {
        let is_digit = |c: char| c.is_ascii_digit();
        let whole = if text[number.end()..].starts_with(is_digit) {
            let length = number.as_str().find(|c| !is_digit(c)).unwrap_or(number.len());
            number.start()..number.start() + length
        } else {
            number.range()
        };
        from = whole.end;
        found.push(whole);
    }
    found
}

/// The groups of numbers that may be numbers beside each other: `500 700 900`, but not those of
/// `12 500`.
fn groups(text: &str) -> Vec<Fact> {
    let rows = written(text).into_iter().filter(|at| {
        let mut groups = text[at.clone()].split([' ', ',']);
        groups.clone().count() >= 3 && groups.all(|group| group.len() == 3)
    });
    let groups = rows.flat_map(|at| {
        let begin = at.start;
        text[at].split([' ', ',']).map(move |group| (begin, group)).collect::<Vec<_>>()
    });
    groups
        .map(|(begin, group)| Fact {
            at: begin..begin,
            value: Value::Number {
                ways: values(group),
                unit: Unit::Plain,
                date: None,
                time: None,
                in_words: false,
            },
        })
        .collect()
}

fn share_unit(text: &str, facts: &mut [Fact], to: usize, from: usize) {
    let first = &facts[to.min(from)].at;
    let second = &facts[to.max(from)].at;
    let joined = first.end <= second.start && {
        let between = text[first.end..second.start].trim_start_matches(['$', '€', '₽', '%']);
        JOINED.is_match(between.trim_end_matches(['$', '€', '₽']))
    };
    let Value::Number { unit: shared, .. } = facts[from].value else { return };
    if let Value::Number { unit, .. } = &mut facts[to].value
        && joined
        && *unit == Unit::Plain
    {
        *unit = shared;
    }
}

fn number(text: &str, at: Range<usize>) -> Fact {
    let written = &text[at.clone()];
    let (unit, zeros) = unit(&text[..at.start], &text[at.end..]);
    let ways = values(written).iter().map(|value| scaled(value, zeros)).collect();
    let date = short_date(written);
    let time = (unit == Unit::Plain).then(|| short_time(written)).flatten();
    Fact { at, value: Value::Number { ways, unit, date, time, in_words: false } }
}

/// Does the number only count the items of a list: `1.`, `2)`?
fn is_numbering(text: &str, at: &Range<usize>) -> bool {
    let line = text[..at.start].rsplit('\n').next().unwrap_or_default();
    let begins = line.trim_matches([' ', '\t', '#', '>', '-', '_', '(']).is_empty();
    let rest = &text[at.end..];
    // An item has words on its line.
    let marked = rest.starts_with([')', '.', ':'])
        && rest[1..].starts_with([' ', '\t'])
        && !rest[1..].lines().next().unwrap_or_default().trim().is_empty();
    begins && at.len() <= 2 && marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn kinds(text: &str) -> Vec<(String, Kind)> {
        let name = |fact: &Fact| (text[fact.at.clone()].to_owned(), fact.value.kind());
        facts(text, Side::Answer).iter().map(name).collect()
    }

    #[test]
    fn each_fact_is_taken_for_one_thing() {
        let text = "1. Write to a@shop.ru or see https://shop.ru/a1 by 5 мая 2026, 9:00.\n\
                    2) Call +7 495 123-45-67: 1 234,50 ₽, 10 %, 14 дней, SALE50.";
        let expected = [
            ("a@shop.ru", Kind::Email),
            ("https://shop.ru/a1", Kind::Link),
            ("5 мая 2026", Kind::Date),
            ("9:00", Kind::Time),
            ("+7 495 123-45-67", Kind::Phone),
            ("1 234,50", Kind::Price),
            ("10", Kind::Percent),
            ("14", Kind::Number),
            ("SALE50", Kind::Code),
        ];
        let found = kinds(text);
        let found: Vec<_> = found.iter().map(|(text, kind)| (text.as_str(), *kind)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn both_ends_of_a_range_count_the_same() {
        for text in ["3-5 days", "от 3 до 5 дней", "3 или 5 дней", "$3-5", "3–5 %", "три-пять дней"]
        {
            let units: Vec<_> = facts(text, Side::Answer)
                .into_iter()
                .map(|fact| match fact.value {
                    Value::Number { unit, .. } => unit,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(units.len(), 2, "{text}");
            assert_eq!(units[0], units[1], "{text}");
            assert_ne!(units[0], Unit::Plain, "{text}");
        }
    }
}
