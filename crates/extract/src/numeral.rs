//! Numbers of clauses as word processors show them: `2.3.`, `c)`, `IV`, `б)`.

/// Russian lists leave out the letters that look or sound alike.
const RUSSIAN: &str = "абвгдежзиклмнопрстуфхцчшщэюя";
/// Letters begin again, doubled, behind the last one; nobody counts further than this.
const MOST_DOUBLED: u64 = 8;
/// Roman numerals are written below this.
const ROMAN_BELOW: u64 = 4_000;

/// How a level counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Numeral {
    #[default]
    Decimal,
    /// `01`, `02`.
    Zero,
    Lower,
    Upper,
    LowerRoman,
    UpperRoman,
    LowerRussian,
    UpperRussian,
    Ordinal,
}

impl Numeral {
    /// By the name that Word gives it; `None` for what counts nothing.
    pub(super) fn of_word(name: &str) -> Self {
        match name {
            "decimalZero" => Self::Zero,
            "lowerLetter" => Self::Lower,
            "upperLetter" => Self::Upper,
            "lowerRoman" => Self::LowerRoman,
            "upperRoman" => Self::UpperRoman,
            "russianLower" => Self::LowerRussian,
            "russianUpper" => Self::UpperRussian,
            "ordinal" => Self::Ordinal,
            _ => Self::Decimal,
        }
    }

    /// By the number that RTF and Word 97 give it.
    pub(super) const fn of_code(code: i32) -> Self {
        match code {
            1 => Self::UpperRoman,
            2 => Self::LowerRoman,
            3 => Self::Upper,
            4 => Self::Lower,
            5 => Self::Ordinal,
            22 => Self::Zero,
            58 => Self::LowerRussian,
            59 => Self::UpperRussian,
            _ => Self::Decimal,
        }
    }

    /// By the example that `OpenDocument` gives: `1`, `a`, `I`, `А, Б, .., Аа, Аб, ...`.
    pub(super) fn of_example(example: &str) -> Self {
        match example.chars().next() {
            Some('a') => Self::Lower,
            Some('A') => Self::Upper,
            Some('i') => Self::LowerRoman,
            Some('I') => Self::UpperRoman,
            Some('а') => Self::LowerRussian,
            Some('А') => Self::UpperRussian,
            _ if example.starts_with("01") => Self::Zero,
            _ => Self::Decimal,
        }
    }

    /// A number written so.
    pub(super) fn write(self, number: u64) -> String {
        match self {
            Self::Decimal => number.to_string(),
            Self::Zero => format!("{number:02}"),
            Self::Ordinal => format!("{number}."),
            Self::Lower => letters(number, "abcdefghijklmnopqrstuvwxyz"),
            Self::Upper => letters(number, "abcdefghijklmnopqrstuvwxyz").to_uppercase(),
            Self::LowerRussian => letters(number, RUSSIAN),
            Self::UpperRussian => letters(number, RUSSIAN).to_uppercase(),
            Self::LowerRoman => roman(number),
            Self::UpperRoman => roman(number).to_uppercase(),
        }
    }
}

/// `a` to `z`, then `aa`, `bb`.
fn letters(number: u64, alphabet: &str) -> String {
    let count = alphabet.chars().count() as u64;
    let Some(place) = number.checked_sub(1) else { return number.to_string() };
    let times = place / count + 1;
    let letter = usize::try_from(place % count).ok().and_then(|at| alphabet.chars().nth(at));
    match letter {
        Some(letter) if times <= MOST_DOUBLED => (0..times).map(|_| letter).collect(),
        _ => number.to_string(),
    }
}

fn roman(number: u64) -> String {
    const DIGITS: [(u64, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number == 0 || number >= ROMAN_BELOW {
        return number.to_string();
    }
    let mut rest = number;
    let mut text = String::new();
    for (value, digit) in DIGITS {
        while rest >= value {
            text.push_str(digit);
            rest -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_their_kind() {
        let write = |name: &str, number| Numeral::of_word(name).write(number);
        assert_eq!(write("decimal", 12), "12");
        assert_eq!(write("decimalZero", 7), "07");
        assert_eq!(
            [1, 26, 27, 1_000_000].map(|n| write("lowerLetter", n)),
            ["a", "z", "aa", "1000000"]
        );
        assert_eq!(
            [4, 9, 1994, 5_000].map(|n| write("upperRoman", n)),
            ["IV", "IX", "MCMXCIV", "5000"]
        );
        assert_eq!(write("russianLower", 3), "в");
        assert_eq!(Numeral::of_example("А, Б, .., Аа, Аб").write(2), "Б");
        assert_eq!(Numeral::of_example("I").write(2), "II");
        assert_eq!(Numeral::of_code(4).write(0), "0");
    }
}
