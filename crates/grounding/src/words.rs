//! Numbers in words: `twenty-five`, `двести тридцать`, `пять тысяч`.

use std::ops::Range;

use super::numbers::pattern;

pattern!(WORD, r"[^\W\d_]+");
pattern!(BEHIND_DIGITS, r"\d\s?$");

/// What a word adds to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Below a hundred.
    Small(u64),
    /// Whole hundreds in one word.
    Hundreds(u64),
    /// Times a hundred.
    Hundred,
    /// Times a power of a thousand.
    Scale(u64),
}

const SMALL: &[(u64, &str)] = &[
    (1, "one один одна одно одного одной одну"),
    (2, "two два две двух двум двумя двое"),
    (3, "three три трех трёх трем трём тремя трое"),
    (4, "four четыре четырех четырёх четырем четырём"),
    (5, "five пять пяти пятью"),
    (6, "six шесть шести шестью"),
    (7, "seven семь семи семью"),
    (8, "eight восемь восьми восемью"),
    (9, "nine девять девяти девятью"),
    (10, "ten десять десяти десятью"),
    (11, "eleven одиннадцать одиннадцати"),
    (12, "twelve двенадцать двенадцати dozen дюжина"),
    (13, "thirteen тринадцать тринадцати"),
    (14, "fourteen четырнадцать четырнадцати"),
    (15, "fifteen пятнадцать пятнадцати"),
    (16, "sixteen шестнадцать шестнадцати"),
    (17, "seventeen семнадцать семнадцати"),
    (18, "eighteen восемнадцать восемнадцати"),
    (19, "nineteen девятнадцать девятнадцати"),
    (20, "twenty двадцать двадцати"),
    (30, "thirty тридцать тридцати"),
    (40, "forty сорок сорока"),
    (50, "fifty пятьдесят пятидесяти"),
    (60, "sixty шестьдесят шестидесяти"),
    (70, "seventy семьдесят семидесяти"),
    (80, "eighty восемьдесят восьмидесяти"),
    (90, "ninety девяносто девяноста"),
];

const HUNDREDS: &[(u64, &str)] = &[
    (100, "сто ста"),
    (200, "двести двухсот"),
    (300, "триста трехсот трёхсот"),
    (400, "четыреста четырехсот четырёхсот"),
    (500, "пятьсот пятисот"),
    (600, "шестьсот шестисот"),
    (700, "семьсот семисот"),
    (800, "восемьсот восьмисот"),
    (900, "девятьсот девятисот"),
];

const SCALES: &[(u64, &str)] = &[
    (1_000, "thousand тысяча тысячу тысячи тысяч"),
    (1_000_000, "million миллион миллиона миллионов"),
    (1_000_000_000, "billion миллиард миллиарда миллиардов"),
];

fn part(word: &str) -> Option<Part> {
    let word = word.to_lowercase();
    let find = |table: &[(u64, &str)]| {
        let known = |(_, forms): &&(u64, &str)| forms.split(' ').any(|form| form == word);
        table.iter().find(known).map(|(value, _)| *value)
    };
    if word == "hundred" {
        return Some(Part::Hundred);
    }
    find(SMALL)
        .map(Part::Small)
        .or_else(|| find(HUNDREDS).map(Part::Hundreds))
        .or_else(|| find(SCALES).map(Part::Scale))
}

/// Is the word a number, or a part of one?
pub(super) fn is_number_word(word: &str) -> bool {
    part(word).is_some()
}

/// The number that a word before `percent` or a currency is meant to be: misspelt by one letter, or
/// in Roman digits.
pub(super) fn meant(word: &str) -> Option<u64> {
    roman(word).or_else(|| {
        let word = word.to_lowercase();
        let length = word.chars().count();
        let near = |form: &&str| form.chars().count() > 4 && is_misspelt(&word, form);
        let tables = SMALL.iter().chain(HUNDREDS);
        let mut forms =
            tables.flat_map(|(value, forms)| forms.split(' ').map(move |form| (value, form)));
        (length > 3).then(|| forms.find(|(_, form)| near(form))).flatten().map(|(value, _)| *value)
    })
}

/// Is one letter of the word wrong, missing, or too many?
fn is_misspelt(word: &str, form: &str) -> bool {
    let word: Vec<char> = word.chars().collect();
    let form: Vec<char> = form.chars().collect();
    if word.len().abs_diff(form.len()) > 1 {
        return false;
    }
    let head = word.iter().zip(&form).take_while(|(one, other)| one == other).count();
    let tail = word.iter().rev().zip(form.iter().rev());
    let tail = tail.take_while(|(one, other)| one == other).count();
    head + tail + 1 >= word.len().max(form.len())
}

fn roman(word: &str) -> Option<u64> {
    let digit = |c| match c {
        'I' | 'І' => Some(1),
        'V' => Some(5),
        'X' | 'Х' => Some(10),
        'L' => Some(50),
        'C' | 'С' => Some(100),
        'D' => Some(500),
        'M' | 'М' => Some(1000),
        _ => None,
    };
    let digits: Vec<u64> = word.chars().map(digit).collect::<Option<_>>()?;
    let sum = digits.iter().zip(digits.iter().skip(1).chain([&0])).try_fold(
        0_i64,
        |sum, (one, next)| {
            let one_signed = i64::try_from(*one).ok()?;
            Some(if one < next { sum - one_signed } else { sum + one_signed })
        },
    )?;
    let sum = u64::try_from(sum).ok().filter(|sum| (1..4_000).contains(sum))?;
    // `CIVIL` is a word.
    (digits == in_roman(sum)).then_some(sum)
}

/// The digits of a number in Roman writing, each by its value.
fn in_roman(mut number: u64) -> Vec<u64> {
    const STEPS: [(u64, &[u64]); 13] = [
        (1000, &[1000]),
        (900, &[100, 1000]),
        (500, &[500]),
        (400, &[100, 500]),
        (100, &[100]),
        (90, &[10, 100]),
        (50, &[50]),
        (40, &[10, 50]),
        (10, &[10]),
        (9, &[1, 10]),
        (5, &[5]),
        (4, &[1, 5]),
        (1, &[1]),
    ];
    let mut digits = Vec::new();
    for (step, written) in STEPS {
        while number >= step {
            digits.extend_from_slice(written);
            number -= step;
        }
    }
    digits
}

/// A number being read.
#[derive(Clone, Copy, Default)]
struct Sum {
    whole: u64,
    /// What the next power of a thousand multiplies.
    group: u64,
    last_scale: Option<u64>,
}

impl Sum {
    /// The number with one more word, if that word goes on with it.
    fn with(self, part: Part) -> Option<Self> {
        let empty = self.group == 0;
        match part {
            Part::Small(value) => {
                let tens = self.group % 100;
                let fits = tens == 0 || (tens >= 20 && tens.is_multiple_of(10) && value < 10);
                fits.then_some(Self { group: self.group + value, ..self })
            }
            Part::Hundreds(value) => empty.then_some(Self { group: value, ..self }),
            Part::Hundred => {
                (self.group < 10).then_some(Self { group: self.group.max(1) * 100, ..self })
            }
            Part::Scale(scale) => {
                let fits = self.last_scale.is_none_or(|last| scale < last && !empty);
                let whole = self.whole + self.group.max(1) * scale;
                fits.then_some(Self { whole, group: 0, last_scale: Some(scale) })
            }
        }
    }

    const fn value(self) -> u64 {
        self.whole + self.group
    }
}

/// The numbers in words of a text. A word such as `thousand` behind digits belongs to these.
pub(super) fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found: Vec<(Range<usize>, Sum)> = Vec::new();
    for word in WORD.find_iter(text) {
        let Some(part) = part(word.as_str()) else { continue };
        if matches!(part, Part::Scale(_) | Part::Hundred)
            && BEHIND_DIGITS.is_match(&text[..word.start()])
        {
            continue;
        }
        if let Some((at, sum)) = found.last_mut()
            && matches!(&text[at.end..word.start()], " " | "-" | " and ")
            && let Some(longer) = sum.with(part)
        {
            (at.end, *sum) = (word.end(), longer);
        } else if let Some(sum) = Sum::default().with(part) {
            found.push((word.range(), sum));
        }
    }
    found.into_iter().map(|(at, sum)| (at, sum.value().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_known_behind_mistakes() {
        for (word, value) in [
            ("ninty", Some(90)),
            ("nintey", None),
            ("пядьдесят", Some(50)),
            ("XC", Some(90)),
            ("XX", Some(20)),
            ("CIVIL", None),
            ("скидка", None),
        ] {
            assert_eq!(meant(word), value, "{word}");
        }
    }

    #[test]
    fn words_beside_each_other_are_one_number_where_they_can_be() {
        for (text, values) in [
            ("twenty-five days", &["25"][..]),
            ("двадцать пять дней", &["25"]),
            ("two hundred and fifty dollars", &["250"]),
            ("двести тридцать один рубль", &["231"]),
            ("пять тысяч рублей", &["5000"]),
            ("сто двадцать тысяч пятьсот", &["120500"]),
            ("a thousand", &["1000"]),
            ("один миллион двести тысяч", &["1200000"]),
            ("два-три дня", &["2", "3"]),
            ("thirty, forty", &["30", "40"]),
            ("тридцать сорок", &["30", "40"]),
            ("5 тысяч, 2 hundred", &[]),
            ("five and six", &["5", "6"]),
            ("someone, тренер", &[]),
        ] {
            let found: Vec<String> = words(text).into_iter().map(|(_, value)| value).collect();
            assert_eq!(found, values, "{text}");
        }
    }
}
