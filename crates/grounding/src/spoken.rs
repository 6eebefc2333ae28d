//! Amounts as people say them: `free of charge`, `half a year`, `a third off`, `an hour and a
//! half`, `three in the afternoon`.

use std::ops::Range;

use super::{
    fact::{Fact, Side, Value},
    numbers::{Unit, pattern},
    words::words,
};

pattern!(
    FREE,
    r"(?i)\b(?:free|gratis|complimentary|(?:costs?|pay|charge you) nothing|(?:at no|without|no)\s(?:(?:extra|additional|any)\s)?(?:cost|charge|fee)|бесплат\w*|безвозмездно|даром|без (?:оплаты|доплаты|платы)|ничего не стоит)\b"
);
pattern!(
    INCLUDED,
    r"(?i)\b(?:on the house|is included|are included|(?:плата|оплата|деньги) не (?:взимается|бер[её]тся|взимаются)|не (?:бер[её]м|взимаем) (?:плату|деньги)|вход\w+ в (?:стоимость|цену))\b"
);
pattern!(
    NOT_FREE_BEFORE,
    r"(?i)(?:\bfeel|\binterest|\btax|\bduty|\bhands|\w-|\bare you|\bnot|\bне)\s?$"
);
pattern!(
    NOT_FREE_AFTER,
    r"(?i)^(?:-|\s(?:from|to\b|time|places?|slots?|seats?|spots?|tables?|days?|hours?|dates?|appointments?|windows?|rooms?|up|of\s(?:c[^h]|[^c])))"
);

pattern!(
    HALF_SPAN,
    r"(?i)\b(?:half\s(?:an?|of\san?)\s(?:(hour)|(day)|(year))|(полчаса|получаса)|(полдня)|(полгода|полугода))\b"
);
pattern!(
    AND_HALF,
    r"(?i)\b(?:an?|one)\s(?:(hour)|(day)|(week)|(month)|(year))\sand\s(?:a|one)\shalf\b|\b(?:полтор[аы]|полутора)\s(?:(час)\w*|(д(?:ня|ней)|сут)\w*|(недел)\w*|(месяц)\w*|(год)\w*)"
);
pattern!(
    QUARTER_HOUR,
    r"(?i)\b(?:(?:a\s)?quarter\sof\san\shour|четверть\sчаса)\b|\b(three\squarters\sof\san\shour)\b"
);
pattern!(
    ONE_SPAN,
    r"(?i)\b(?:(?:within|takes?|lasts?|after|for|up to)\san?\s(?:(hour)|(day)|(week)|(month)|(year))|(?:в течение|через|не дольше)\s(?:(часа?)|(дня|день|суток|сутки)|(недел[июья])|(месяца?)|(года?)))\b"
);
pattern!(FORTNIGHT, r"(?i)\bfortnight\b");
pattern!(
    SHARE,
    r"(?i)\b(?:(half|a half|one half)|(a third|one third)|(a quarter|one quarter)|(two thirds))\s(?:off|price|(?:of\s)?the\s(?:price|cost|amount|sum))\b|\b(?:(половин\w|вдвое|наполовину|в два раза)|(на треть|трет[ьи])|(на четверть|четверт[ьи]))\s(?:(?:от\s)?(?:цен\w|стоимост\w|сумм\w)|дешевле|меньше|скидк\w)"
);
// `три дня` are three days.
pattern!(
    DAYTIME,
    r"(?i)^(?:(?:\so'clock)?\s(?:in\sthe\s(?:(morning)|(afternoon|evening))|at\s(night))|(?:\sчас(?:а|ов)?)?\s(?:(утра)|(вечера))|\sчас(?:а|ов)?\s(?:(дня)|(ночи)))\b"
);
pattern!(NOON, r"(?i)\b(?:(noon|midday|полдень|полудня|полудню)|(midnight|полночь|полуночи))\b");

/// The letters of [`Unit::Span`] in the order in which the patterns name the units.
const SPANS: [char; 5] = ['h', 'd', 'w', 'm', 'y'];

/// The amounts of a text that are said rather than written.
pub(super) fn spoken(text: &str, side: Side) -> Vec<Fact> {
    let mut found = free(text, side);
    found.extend(spans(text));
    found.extend(shares(text));
    found
}

fn amount(at: Range<usize>, value: &str, unit: Unit) -> Fact {
    let ways = vec![value.to_owned()];
    Fact { at, value: Value::Number { ways, unit, date: None, time: None, in_words: true } }
}

fn free(text: &str, side: Side) -> Vec<Fact> {
    let said = FREE.find_iter(text).filter(|found| {
        !NOT_FREE_BEFORE.is_match(&text[..found.start()])
            && !NOT_FREE_AFTER.is_match(&text[found.end()..])
    });
    let mut places: Vec<Range<usize>> = said.map(|found| found.range()).collect();
    if side == Side::Source {
        places.extend(INCLUDED.find_iter(text).map(|found| found.range()));
    }
    places.into_iter().map(|at| amount(at, "0", Unit::Price(None))).collect()
}

fn spans(text: &str) -> Vec<Fact> {
    let mut found = Vec::new();
    for half in HALF_SPAN.captures_iter(text) {
        let (value, unit) = match group(&half, 6).map(|group| group % 3) {
            Some(0) => ("30", 'M'),
            Some(1) => ("12", 'h'),
            _ => ("6", 'm'),
        };
        found.push(amount(whole(&half), value, Unit::Span(unit)));
    }
    for more in AND_HALF.captures_iter(text) {
        let (value, unit) = match group(&more, 10).map(|group| SPANS[group % 5]) {
            Some('h') | None => ("90", 'M'),
            Some('d') => ("36", 'h'),
            Some('w') => ("1.5", 'w'),
            Some('m') => ("1.5", 'm'),
            Some(_) => ("18", 'm'),
        };
        found.push(amount(whole(&more), value, Unit::Span(unit)));
    }
    for quarter in QUARTER_HOUR.captures_iter(text) {
        let value = if quarter.get(1).is_some() { "45" } else { "15" };
        found.push(amount(whole(&quarter), value, Unit::Span('M')));
    }
    for one in ONE_SPAN.captures_iter(text) {
        let unit = group(&one, 10).map_or('d', |group| SPANS[group % 5]);
        found.push(amount(whole(&one), "1", Unit::Span(unit)));
    }
    let fortnights = FORTNIGHT.find_iter(text);
    found.extend(fortnights.map(|at| amount(at.range(), "14", Unit::Span('d'))));
    // `within half a year` is no whole one.
    let mut apart: Vec<Fact> = Vec::new();
    for fact in found {
        let free =
            apart.iter().all(|one| one.at.end <= fact.at.start || fact.at.end <= one.at.start);
        if free {
            apart.push(fact);
        }
    }
    apart
}

fn shares(text: &str) -> Vec<Fact> {
    let share = |found: regex::Captures<'_>| {
        let value = match group(&found, 7)? {
            0 | 4 => "50",
            1 | 5 => "33",
            2 | 6 => "25",
            _ => "67",
        };
        Some(amount(whole(&found), value, Unit::Percent))
    };
    SHARE.captures_iter(text).filter_map(share).collect()
}

/// Times of day in words: minutes after midnight.
pub(super) fn times(text: &str) -> Vec<(Range<usize>, u32)> {
    let mut found = Vec::new();
    for noon in NOON.captures_iter(text) {
        let minutes = if noon.get(1).is_some() { 12 * 60 } else { 0 };
        found.push((whole(&noon), minutes));
    }
    let mut hours: Vec<(Range<usize>, u32)> =
        words(text).into_iter().filter_map(|(at, value)| Some((at, value.parse().ok()?))).collect();
    hours.extend(digits(text));
    for (at, hour) in hours.into_iter().filter(|(_, hour)| (1..=12).contains(hour)) {
        let Some(half) = DAYTIME.captures(&text[at.end..]) else { continue };
        let hour = match group(&half, 7) {
            Some(0 | 3) => hour % 12,
            Some(1 | 4 | 5) => hour % 12 + 12,
            _ if hour >= 9 => hour % 12 + 12,
            _ => hour,
        };
        found.push((at.start..at.end + whole(&half).end, hour % 24 * 60));
    }
    found
}

fn digits(text: &str) -> Vec<(Range<usize>, u32)> {
    pattern!(HOURS, r"\b\d{1,2}\b");
    HOURS
        .find_iter(text)
        .filter(|found| !text[..found.start()].ends_with([':', '.', ',', '-']))
        .filter_map(|found| Some((found.range(), found.as_str().parse().ok()?)))
        .collect()
}

fn whole(found: &regex::Captures<'_>) -> Range<usize> {
    found.get(0).map_or(0..0, |all| all.range())
}

/// The first of so many groups that matched, counted from zero.
fn group(found: &regex::Captures<'_>, groups: usize) -> Option<usize> {
    (0..groups).find(|group| found.get(group + 1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, Unit)> {
        let value = |fact: Fact| match fact.value {
            Value::Number { ways, unit, .. } => (ways[0].clone(), unit),
            other => panic!("{other:?}"),
        };
        spoken(text, Side::Answer).into_iter().map(value).collect()
    }

    #[test]
    fn amounts_are_heard_in_both_languages() {
        for (text, value, unit) in [
            ("It is free of charge.", "0", Unit::Price(None)),
            ("Delivery is free.", "0", Unit::Price(None)),
            ("It costs nothing.", "0", Unit::Price(None)),
            ("Возврат бесплатный.", "0", Unit::Price(None)),
            ("Отмена без оплаты", "0", Unit::Price(None)),
            ("half a year", "6", Unit::Span('m')),
            ("за полчаса", "30", Unit::Span('M')),
            ("полгода", "6", Unit::Span('m')),
            ("an hour and a half", "90", Unit::Span('M')),
            ("полтора часа", "90", Unit::Span('M')),
            ("полтора года", "18", Unit::Span('m')),
            ("three quarters of an hour", "45", Unit::Span('M')),
            ("within a week", "1", Unit::Span('w')),
            ("в течение месяца", "1", Unit::Span('m')),
            ("within half a year", "6", Unit::Span('m')),
            ("a third off", "33", Unit::Percent),
            ("half price", "50", Unit::Percent),
            ("вдвое дешевле", "50", Unit::Percent),
            ("до половины цены", "50", Unit::Percent),
        ] {
            assert_eq!(said(text), [(value.to_owned(), unit)], "{text}");
        }
        for text in [
            "Feel free to ask.",
            "interest-free, free from pain, free time, a free slot",
            "This is not free.",
            "twice a year, 10 euros a month",
        ] {
            assert_eq!(said(text), [], "{text}");
        }
    }

    #[test]
    fn times_of_day_are_heard() {
        for (text, minutes) in [
            ("до трёх часов дня", 15 * 60),
            ("в девять утра", 9 * 60),
            ("at nine in the morning", 9 * 60),
            ("at 3 in the afternoon", 15 * 60),
            ("в 8 часов вечера", 20 * 60),
            ("at noon", 12 * 60),
            ("до полуночи", 0),
        ] {
            let found: Vec<u32> = times(text).into_iter().map(|(_, minutes)| minutes).collect();
            assert_eq!(found, [minutes], "{text}");
        }
        assert_eq!(times("три дня, two hours, 14 дня"), []);
    }
}
