//! Numbers: how they are written, and what they count.

/// The letter of hundredths of a currency in [`Unit::Price`].
pub(super) const CENTS: char = 'c';

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    /// Nothing that we know.
    Plain,
    /// Hundredths.
    Percent,
    /// Money: the currency as a letter of its own, if it is told.
    Price(Option<char>),
    /// A stretch of time, by the first letter of its English name (`M` for minutes).
    Span(char),
}

/// The ways a written number can be meant, as decimals without needless zeros: `1,234` is `1234` or
/// `1.234`.
pub(super) fn values(written: &str) -> Vec<String> {
    let written: String = written.chars().filter(|c| !matches!(c, ' ' | '\'' | '’')).collect();
    let separators: Vec<(usize, char)> =
        written.char_indices().filter(|(_, c)| matches!(c, '.' | ',')).collect();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match separators.as_slice() {
        [] => vec![decimal(&written, "")],
        [(at, _)] => {
            let whole = &written[..*at];
            let part = &written[at + 1..];
            let mut ways = vec![decimal(whole, part)];
            if part.len() == 3 && !whole.is_empty() && whole.len() <= 3 && !whole.starts_with('0') {
                ways.push(decimal(&format!("{whole}{part}"), ""));
            }
            ways
        }
        [.., (_, before), (at, last)] if before != last => {
            vec![decimal(&digits(&written[..*at]), &written[at + 1..])]
        }
        _ => vec![decimal(&digits(&written), "")],
    }
}

fn decimal(whole: &str, part: &str) -> String {
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let part = part.trim_end_matches('0');
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

/// A decimal times a power of ten.
pub(super) fn scaled(value: &str, zeros: usize) -> String {
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let mut part = part.to_owned();
    while part.len() < zeros {
        part.push('0');
    }
    decimal(&format!("{whole}{}", &part[..zeros]), &part[zeros..])
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
            regex::Regex::new($pattern).expect("the tests compile every pattern")
        });
    };
}
pub(super) use pattern;

pattern!(
    MAGNITUDE,
    r"(?i)^\s?(?:(тыс(?:\.|яч[аиу]?)?|thousand|k)|(млн\.?|миллион\w{0,2}|million|mln)|(млрд\.?|миллиард\w{0,2}|billion|bn))(?:\s|[.,;:!?)€$£₽]|$)"
);
pattern!(
    PERCENT,
    r"(?i)^\s?(?:%|percent\b|per\s?cent\b|pct\b|процент\w{0,3}|проц\.)|^-?процентн\w+|^-percent\b"
);
pattern!(
    MONEY_AFTER,
    r"(?i)^\s?(?:([$€£¥₽₴₸₹])|(?:(руб\w{0,4}\.?|р\.|rub(?:les?|s)?\b|roubles?\b)|(долл\w{0,6}\.?|dollars?\b|usd\b|bucks?\b)|(евро|euros?\b|eur\b)|(тенге|kzt\b)|(гривен|гривн\w|грн\.?|uah\b)|(pounds?\b|gbp\b)|(cents?\b|центов|цент\w?|коп\w{0,4}\.?)|(юан\w{1,2}|yuan\b|cny\b)))"
);
pattern!(
    MONEY_BEFORE,
    r"(?i)(?:([$€£¥₽₴₸₹])|\b(?:(руб\.|rub)|(usd|us\$)|(eur)|(kzt)|(uah)|(gbp)|(cents?)|(cny)))\s?$"
);
pattern!(
    SPAN,
    r"(?i)^[\s-]?(?:\w{2,14}\s)?(?:(days?\b|дн(?:я|ей|и|ю|ём|ем)\b|день\b|сут(?:ок|ки)\b|дн\.)|(hours?\b|hrs?\b|час(?:а|ов|ы|у)?\b|ч\.|ч\b)|(minutes?\b|mins?\b|минут\w{0,2}\b|мин\.?)|(weeks?\b|недел\w{1,3}\b)|(months?\b|месяц\w{0,3}\b|мес\.)|(years?\b|год(?:а|у|ы)?\b|лет\b)|(nights?\b|ноч(?:ь|и|ей)\b))"
);

/// What the number between these two texts counts, and by how many zeros a word such as `million`
/// raises it.
pub(super) fn unit(before: &str, after: &str) -> (Unit, usize) {
    let zeros = MAGNITUDE.captures(after);
    let (zeros, after) = match &zeros {
        Some(found) => {
            let group = (1..=3).find(|group| found.get(*group).is_some()).unwrap_or(1);
            (group * 3, &after[found.get(group).map_or(0, |word| word.end())..])
        }
        None => (0, after),
    };
    if PERCENT.is_match(after) {
        return (Unit::Percent, zeros);
    }
    // A sign that stands behind another number belongs to that one.
    let own = |sign: &regex::Captures<'_>| {
        let before = sign.get(0).map_or("", |sign| before[..sign.start()].trim_end());
        !before.ends_with(|c: char| c.is_ascii_digit())
    };
    let money = MONEY_AFTER.captures(after).or_else(|| MONEY_BEFORE.captures(before).filter(own));
    if let Some(found) = money {
        let sign = found.get(1).and_then(|sign| sign.as_str().chars().next());
        let word = (2..found.len()).find(|group| found.get(*group).is_some());
        let currency = sign.or_else(|| word.and_then(|group| "₽$€₸₴£c¥".chars().nth(group - 2)));
        return (Unit::Price(currency), zeros);
    }
    if let Some(found) = SPAN.captures(after) {
        let class = (1..found.len()).find(|group| found.get(*group).is_some());
        if let Some(letter) = class.and_then(|group| "dhMwmyn".chars().nth(group - 1)) {
            return (Unit::Span(letter), zeros);
        }
    }
    (Unit::Plain, zeros)
}

pattern!(PRICES, r"(?i)\b(?:prices?|costs?|fees?|rates?|цен[аы]|стоимость|тариф\w?|прайс)\b");
pattern!(HEAD_UNIT, r"(?i)(?:^|[\s,(/])([$€£¥₽₴₸₹%]|[^\W\d_]+\.?)");

/// What the bare numbers under the head of a column count: `Price, €`, `Time (min)`, `Цена`.
pub(super) fn header_unit(head: &str) -> Option<Unit> {
    let mut units = HEAD_UNIT.captures_iter(head).filter_map(|word| {
        let word = word.get(1)?;
        let unit = unit("", &format!(" {}", word.as_str())).0;
        (unit != Unit::Plain).then_some(unit)
    });
    units.next().or_else(|| PRICES.is_match(head).then_some(Unit::Price(None)))
}

/// The currencies that a text counts in.
pub(super) fn currencies(text: &str) -> Vec<char> {
    let found = CURRENCY.captures_iter(text).filter_map(|found| {
        let sign = found.get(1).and_then(|sign| sign.as_str().chars().next());
        let word = (2..found.len()).find(|group| found.get(*group).is_some());
        sign.or_else(|| word.and_then(|group| "₽$€₸₴£¥".chars().nth(group - 2)))
    });
    let mut found: Vec<char> = found.collect();
    found.sort_unstable();
    found.dedup();
    found
}

pattern!(
    CURRENCY,
    r"(?i)([$€£¥₽₴₸₹])|\b(?:(руб(?:л\w{1,3})?|rub(?:les?)?|roubles?)|(доллар\w{0,3}|dollars?|usd)|(евро|euros?|eur)|(тенге|kzt)|(грив\w{1,3}|uah)|(pounds sterling|gbp)|(юан\w{1,2}|yuan|cny))\b"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_every_country_give_one_number() {
        for (written, meant) in [
            ("1234", &["1234"] as &[_]),
            ("1 234,50", &["1234.5"]),
            ("1,234.50", &["1234.5"]),
            ("1.234,50", &["1234.5"]),
            ("1'234", &["1234"]),
            ("1,234,567", &["1234567"]),
            ("3,5", &["3.5"]),
            ("3.50", &["3.5"]),
            ("1,234", &["1.234", "1234"]),
            ("007", &["7"]),
            ("0.500", &["0.5"]),
        ] {
            assert_eq!(values(written), meant, "{written}");
        }
        assert_eq!(scaled("1.5", 6), "1500000");
        assert_eq!(scaled("12", 3), "12000");
        assert_eq!(scaled("0.25", 1), "2.5");
    }

    #[test]
    fn units_are_known_in_both_languages() {
        for (before, after, unit_of) in [
            ("", " %", Unit::Percent),
            ("", " процентов", Unit::Percent),
            ("", "-процентная скидка", Unit::Percent),
            ("", " per cent off", Unit::Percent),
            ("$", "", Unit::Price(Some('$'))),
            ("costs USD ", "", Unit::Price(Some('$'))),
            ("", " рублей", Unit::Price(Some('₽'))),
            ("", " ₽.", Unit::Price(Some('₽'))),
            ("", " евро", Unit::Price(Some('€'))),
            ("", " тыс. рублей", Unit::Price(Some('₽'))),
            ("", " days", Unit::Span('d')),
            ("", " рабочих дней", Unit::Span('d')),
            ("", " business days", Unit::Span('d')),
            ("", "-day trial", Unit::Span('d')),
            ("", " лет", Unit::Span('y')),
            ("", " часов", Unit::Span('h')),
            ("", " минут", Unit::Span('M')),
            ("", " apples", Unit::Plain),
        ] {
            assert_eq!(unit(before, after).0, unit_of, "{before}N{after}");
        }
        assert_eq!(unit("", " million dollars"), (Unit::Price(Some('$')), 6));
        assert_eq!(unit("", " тыс. рублей").1, 3);
    }
}
