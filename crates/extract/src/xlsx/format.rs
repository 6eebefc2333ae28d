//! How a number is shown: `00000`, `0.00" kg"`, `#,##0.00 [$₽-419]`, `d mmmm yyyy`.
//!
//! A value is written as its cell shows it, with two exceptions that keep it findable: dates are
//! ISO 8601, and nothing stands between thousands.

use std::cmp::Ordering;

use super::value::{Epoch, Moment, decimal, moment};

/// Longer formats are none, characters.
const LONGEST: usize = 255;
/// A number is padded to at most so many digits.
const MOST_DIGITS: usize = 40;

/// A format of a workbook.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Format {
    /// For positive numbers, negative ones, and zero.
    sections: Vec<Section>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    parts: Vec<Part>,
    /// `[>=100]`
    condition: Option<Condition>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Condition {
    /// Whether it holds for numbers less than, equal to and greater than the bound.
    holds: [bool; 3],
    bound: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    General,
    Number,
    Fraction,
    Date(Moment),
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `0`, `#` or `?`
    Digit(char),
    Point,
    /// A comma: of thousands, or one that divides by a thousand.
    Comma,
    Percent,
    General,
}

impl Format {
    /// The format of a built-in number.
    pub(super) fn built_in(id: u64) -> Self {
        Self::of(match id {
            1 | 3 | 37 | 38 | 41 | 42 => "0",
            2 | 4 | 39 | 40 | 43 | 44 => "0.00",
            9 => "0%",
            10 => "0.00%",
            12 => "# ?/?",
            13 => "# ??/??",
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
            18..=21 => "h:mm",
            22 => "yyyy-mm-dd h:mm",
            45..=47 => "[h]:mm:ss",
            _ => "General",
        })
    }

    /// Reads a code of a format.
    pub(super) fn of(code: &str) -> Self {
        if code.chars().count() > LONGEST {
            return Self::default();
        }
        let mut sections = vec![String::new()];
        let mut quoted = false;
        let mut escaped = false;
        for c in code.chars() {
            if c == ';' && !quoted && !escaped {
                sections.push(String::new());
                continue;
            }
            quoted ^= c == '"' && !escaped;
            escaped = !escaped && c == '\\' && !quoted;
            if let Some(section) = sections.last_mut() {
                section.push(c);
            }
        }
        Self { sections: sections.iter().take(3).map(|code| section(code)).collect() }
    }

    /// A number as its cell shows it.
    pub(super) fn show(&self, number: f64, epoch: Epoch) -> String {
        let Some((section, sign)) = self.section(number) else { return decimal(number) };
        match section.kind {
            // A part that is left empty hides what it is for.
            Kind::General if section.parts.is_empty() && self.sections.len() > 1 => String::new(),
            Kind::Date(shown) => moment(number, epoch, shown),
            Kind::General | Kind::Text if section.parts.iter().all(|it| *it == Part::General) => {
                decimal(number)
            }
            Kind::Fraction => format!("{sign}{}", fraction(number.abs(), section)),
            _ => {
                let shown = shown(number.abs(), section);
                let is_nothing = shown.trim().is_empty() && number != 0.0;
                if is_nothing { decimal(number) } else { format!("{sign}{shown}") }
            }
        }
    }

    /// The section for a number, and the sign to put before it.
    fn section(&self, number: f64) -> Option<(&Section, &'static str)> {
        let sign = if number < 0.0 { "-" } else { "" };
        let first = self.sections.first()?;
        if self.sections.iter().any(|section| section.condition.is_some()) {
            let found = self
                .sections
                .iter()
                .find(|section| section.condition.is_none_or(|condition| condition.holds(number)));
            return found.map(|section| (section, sign));
        }
        match (self.sections.get(1), self.sections.get(2)) {
            (Some(negative), _) if number < 0.0 => Some((negative, "")),
            (_, Some(zero)) if number == 0.0 => Some((zero, "")),
            _ => Some((first, sign)),
        }
    }
}

impl Condition {
    fn of(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !matches!(c, '<' | '>' | '='))?;
        let holds = match &text[..end] {
            "<" => [true, false, false],
            "<=" => [true, true, false],
            "=" => [false, true, false],
            "<>" => [true, false, true],
            ">=" => [false, true, true],
            ">" => [false, false, true],
            _ => return None,
        };
        Some(Self { holds, bound: text[end..].trim().parse().ok()? })
    }

    fn holds(self, number: f64) -> bool {
        match number.partial_cmp(&self.bound) {
            Some(Ordering::Less) => self.holds[0],
            Some(Ordering::Equal) => self.holds[1],
            Some(Ordering::Greater) => self.holds[2],
            None => false,
        }
    }
}

/// Reads one section of a code.
fn section(code: &str) -> Section {
    let mut section = Section::default();
    let mut dates = String::new();
    let mut elapsed = false;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        let part = match c {
            '"' => Part::Literal(chars.by_ref().take_while(|c| *c != '"').collect()),
            '\\' => Part::Literal(chars.next().map(String::from).unwrap_or_default()),
            '_' => {
                chars.next();
                Part::Literal(" ".to_owned())
            }
            '*' => {
                chars.next();
                continue;
            }
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                if let Some(currency) = inside.strip_prefix('$') {
                    Part::Literal(currency.split('-').next().unwrap_or_default().to_owned())
                } else if inside.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
                    elapsed = true;
                    dates.push_str(&inside.to_lowercase());
                    continue;
                } else {
                    section.condition = Condition::of(&inside).or(section.condition);
                    continue;
                }
            }
            '0' | '#' | '?' => Part::Digit(c),
            '.' if chars.peek().is_some_and(|next| matches!(next, '0' | '#' | '?'))
                || matches!(section.parts.last(), Some(Part::Digit(_) | Part::Comma)) =>
            {
                Part::Point
            }
            ',' => Part::Comma,
            '%' => Part::Percent,
            '@' => {
                section.kind = Kind::Text;
                Part::General
            }
            'G' | 'g'
                if chars.clone().take(6).collect::<String>().eq_ignore_ascii_case("eneral") =>
            {
                chars.by_ref().take(6).for_each(drop);
                Part::General
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => {
                dates.push(c.to_ascii_lowercase());
                continue;
            }
            // A word of a form that forgot its quotes, as other programs write: `руб`.
            c => Part::Literal(c.to_string()),
        };
        section.parts.push(part);
    }

    let digits = section.parts.iter().any(|part| matches!(part, Part::Digit(_)));
    let slash = section.parts.iter().any(|part| matches!(part, Part::Literal(text) if text == "/"));
    if !dates.is_empty() && section.kind != Kind::Text {
        let time = dates.contains(['h', 's']);
        let day = dates.contains(['y', 'd']) || dates.contains('m') && !time;
        section.kind = Kind::Date(match (elapsed, day, time) {
            (true, ..) => Moment::Length,
            (_, true, true) => Moment::DayAndTime,
            (_, false, _) => Moment::Time,
            (_, true, false) => Moment::Day,
        });
    } else if digits {
        section.kind = if slash { Kind::Fraction } else { Kind::Number };
    } else if section.kind == Kind::General && !section.parts.is_empty() {
        let general = section.parts.contains(&Part::General);
        section.kind = if general { Kind::General } else { Kind::Number };
    }
    section
}

/// A number in a section of digits and words.
fn shown(number: f64, section: &Section) -> String {
    let parts = &section.parts;
    let is_digit = |part: &&Part| matches!(part, Part::Digit(_));
    let point = parts.iter().position(|part| *part == Part::Point).unwrap_or(parts.len());
    let whole = parts[..point].iter().filter(is_digit).count();
    let after = parts[point..].iter().filter(is_digit).count().min(MOST_DIGITS);
    let needed = parts[point..].iter().filter(|part| matches!(part, Part::Digit('0'))).count();
    let percents = parts.iter().filter(|part| **part == Part::Percent).count();
    let last = parts.iter().rposition(|part| matches!(part, Part::Digit(_)));
    let thousands = last.map_or(0, |last| {
        parts[last + 1..].iter().take_while(|part| **part == Part::Comma).count()
    });

    let scale = 100_f64.powi(i32::try_from(percents).unwrap_or(0))
        / 1000_f64.powi(i32::try_from(thousands).unwrap_or(0));
    let scaled: f64 = decimal(number * scale).parse().unwrap_or(number);
    let rounded = format!("{scaled:.after$}");
    let (integer, fraction) = rounded.split_once('.').unwrap_or((&rounded, ""));
    let mut fraction = fraction.to_owned();
    while fraction.len() > needed && fraction.ends_with('0') {
        fraction.pop();
    }

    // The digits before the point, spread from the right over their places.
    let integer = if integer == "0" && whole > 0 { "" } else { integer };
    let mut text = String::new();
    let mut left = whole;
    let mut digits: Vec<char> = integer.chars().collect();
    digits.reverse();
    for part in &parts[..point] {
        match part {
            Part::Digit(kind) => {
                while digits.len() > left {
                    text.extend(digits.pop());
                }
                if digits.len() == left {
                    text.extend(digits.pop());
                } else if *kind == '0' {
                    text.push('0');
                }
                left -= 1;
            }
            other => write_part(other, number, &mut text),
        }
    }

    if whole == 0 && after > 0 && !integer.is_empty() && integer != "0" {
        text.push_str(integer);
    }
    let mut rest = fraction.chars();
    if !fraction.is_empty() {
        text.push('.');
    }
    for part in parts.get(point + 1..).unwrap_or_default() {
        match part {
            Part::Digit(_) => text.extend(rest.next()),
            other => write_part(other, number, &mut text),
        }
    }
    text.trim().to_owned()
}

fn write_part(part: &Part, number: f64, text: &mut String) {
    match part {
        Part::Literal(literal) => text.push_str(literal),
        Part::Percent => text.push('%'),
        Part::General => text.push_str(&decimal(number)),
        Part::Digit(_) | Part::Point | Part::Comma => {}
    }
}

/// A number as a whole and a fraction: `1 1/2`.
fn fraction(number: f64, section: &Section) -> String {
    let slash =
        section.parts.iter().position(|part| matches!(part, Part::Literal(it) if it == "/"));
    let below = section.parts[slash.unwrap_or(0)..].iter();
    let most = if below.filter(|part| matches!(part, Part::Digit(_))).count() > 1 { 99 } else { 9 };

    let whole = number.trunc();
    let part = number - whole;
    let nearest = (1..=most).map(|under| {
        let over = (part * f64::from(under)).round();
        (under, over, (part - over / f64::from(under)).abs())
    });
    let Some((under, over, _)) = nearest.min_by(|a, b| a.2.total_cmp(&b.2)) else {
        return decimal(number);
    };
    if over == 0.0 {
        decimal(whole)
    } else if over >= f64::from(under) {
        decimal(whole + 1.0)
    } else if whole == 0.0 {
        format!("{over}/{under}")
    } else {
        format!("{whole} {over}/{under}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_their_cells_show_them() {
        for (code, number, expected) in [
            ("General", 0.1 + 0.2, "0.3"),
            ("00000", 417.0, "00417"),
            ("0.00\" kg\"", 0.35, "0.35 kg"),
            ("#,##0.00\\ [$₽-419]", 1290.0, "1290.00 ₽"),
            ("#,##0.00 €", 4.9, "4.90 €"),
            ("[$€-407] 0.00", 12.5, "€ 12.50"),
            ("0.0%", 0.125, "12.5%"),
            ("0%", 0.07, "7%"),
            ("0\" km\"", 12.0, "12 km"),
            ("0.##", 1.5, "1.5"),
            ("#.##", 0.25, ".25"),
            ("# ?/?", 1.5, "1 1/2"),
            ("# ??/??", 0.75, "3/4"),
            ("0000\\-00", 123_456.0, "1234-56"),
            ("(000) 000-0000", 5_550_142_000.0, "(555) 014-2000"),
            ("0;-0", -5.0, "-5"),
            ("0.00;[Red](0.00)", -5.0, "(5.00)"),
            ("0;-0;\"free\"", 0.0, "free"),
            ("[>=1000]0.0,\" t\";0\" kg\"", 1500.0, "1.5 t"),
            ("[>=1000]0.0,\" t\";0\" kg\"", 15.0, "15 kg"),
            ("\"from \"0", 7.0, "from 7"),
            ("0 руб.", 7.0, "7 руб."),
            ("yyyy-mm-dd", 46_329.0, "2026-11-03"),
            ("[$-419]d\\ mmmm\\ yyyy;@", 46_329.0, "2026-11-03"),
            ("h:mm", 0.395_833_333_333_333_3, "09:30"),
            ("[h]:mm", 1.25, "30:00"),
            ("@", 5.0, "5"),
            ("", 5.0, "5"),
            ("\"hidden\"", 5.0, "hidden"),
            (";;;", 5.0, ""),
            ("0;-0;", 0.0, ""),
        ] {
            assert_eq!(Format::of(code).show(number, Epoch::Year1900), expected, "{code}");
        }
        assert_eq!(Format::built_in(10).show(0.5, Epoch::Year1900), "50.00%");
        assert_eq!(Format::built_in(14).show(46_329.0, Epoch::Year1900), "2026-11-03");
    }

    #[test]
    fn no_format_breaks_it() {
        for code in [
            "[",
            "\"",
            "\\",
            "*",
            "_",
            "[$",
            "0".repeat(255).as_str(),
            "/?",
            "?/",
            ".",
            "[>=]0",
            ",,,",
            "%%%%",
        ] {
            for number in [0.0, -1.5, 1e300, f64::NAN, f64::INFINITY] {
                let _ = Format::of(code).show(number, Epoch::Year1904);
            }
        }
    }
}
