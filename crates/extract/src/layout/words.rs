//! Glyphs become words.

use std::collections::BTreeMap;

use super::{Direction, Glyph, Rule, Sheet, Span, bidi};

/// A gap this wide, in font sizes, is a space even where the file has none.
pub(super) const WORD_GAP: f32 = 0.15;
/// A line through a letter stands between these heights, in font sizes above the baseline.
const STRUCK: std::ops::Range<f32> = 0.16..0.48;
/// A place where a word may be broken.
const SOFT_HYPHEN: &str = "\u{AD}";
/// Where letters overlap more than this, in font sizes, the writing began again.
const OVERLAP: f32 = -0.35;

/// The words of a page and its lines, for each direction of writing; the one with most letters
/// first. What is struck through is left out.
pub(super) fn by_direction(sheet: Sheet) -> Vec<(Vec<Span>, Vec<Rule>)> {
    let Sheet { glyphs, rules } = sheet;
    let mut turns: BTreeMap<i16, Vec<Glyph>> = BTreeMap::new();
    for glyph in glyphs {
        if [glyph.x, glyph.y, glyph.width].iter().all(|n| n.is_finite()) {
            turns.entry(glyph.turn).or_default().push(glyph);
        }
    }

    let mut turns: Vec<(i16, Vec<Glyph>)> = turns.into_iter().collect();
    turns.sort_by_key(|(_, glyphs)| std::cmp::Reverse(glyphs.len()));
    turns
        .into_iter()
        .map(|(turn, glyphs)| {
            let rules: Vec<Rule> = rules.iter().filter_map(|rule| rule.turned(turn)).collect();
            let strikes = Strikes::of(&rules);
            (words(glyphs.into_iter().filter(|glyph| !strikes.hit(glyph))), rules)
        })
        .collect()
}

impl Rule {
    /// The line as one sees it who turns the page until the writing is upright.
    fn turned(self, turn: i16) -> Option<Self> {
        let Self { direction, at, from, to } = self;
        let other = match direction {
            Direction::Across => Direction::Down,
            Direction::Down => Direction::Across,
        };
        match (turn.rem_euclid(360), direction) {
            (0, _) => Some(self),
            (180, _) => Self::new(direction, -at, -from, -to),
            (90, Direction::Across) | (270, Direction::Down) => Self::new(other, at, -from, -to),
            (90, Direction::Down) | (270, Direction::Across) => Self::new(other, -at, from, to),
            _ => None,
        }
    }
}

/// Lines that may strike letters through, by height.
struct Strikes {
    rules: Vec<Rule>,
}

impl Strikes {
    fn of(rules: &[Rule]) -> Self {
        let across = rules.iter().filter(|rule| rule.direction == Direction::Across);
        let mut rules: Vec<Rule> = across.copied().collect();
        rules.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self { rules }
    }

    /// Does a line run through most of the glyph?
    fn hit(&self, glyph: &Glyph) -> bool {
        let low = glyph.y + STRUCK.start * glyph.size;
        let high = glyph.y + STRUCK.end * glyph.size;
        let first = self.rules.partition_point(|rule| rule.at < low);
        let across = self.rules[first..].iter().take_while(|rule| rule.at <= high);
        let covered = |rule: &Rule| rule.to.min(glyph.x + glyph.width) - rule.from.max(glyph.x);
        !glyph.text.trim().is_empty()
            && across.into_iter().any(|rule| covered(rule) > 0.6 * glyph.width)
    }
}

/// Joins glyphs that follow each other on a line. Letters that are written from right to left stay
/// single: their order is for the whole line to tell.
fn words(glyphs: impl Iterator<Item = Glyph>) -> Vec<Span> {
    let mut words: Vec<Span> = Vec::new();
    let mut spaced = false;
    let mut joinable = false;
    let mut glyphs = glyphs.peekable();
    let mut is_soft = false;
    while let Some(mut glyph) = glyphs.next() {
        if glyph.text.trim().is_empty() {
            spaced = true;
            joinable = false;
            continue;
        }
        if std::mem::take(&mut is_soft) {
            SOFT_HYPHEN.clone_into(&mut glyph.text);
        } else if glyph.text == SOFT_HYPHEN {
            match soft_hyphen(&glyph, glyphs.peek()) {
                Hyphen::Ends => {}
                Hyphen::Hidden => continue,
                Hyphen::Doubled => {
                    is_soft = true;
                    continue;
                }
                Hyphen::Shown => "\u{2010}".clone_into(&mut glyph.text),
            }
        }

        let single = glyph.text.chars().any(bidi::is_rtl);
        match words.last_mut() {
            Some(word) if joinable && !single && continues(word, &glyph) => {
                word.text.push_str(&glyph.text);
                word.width = word.width.max(glyph.x + glyph.width - word.x);
            }
            _ => {
                let Glyph { x, y, width, size, bold, text, .. } = glyph;
                let width = width.max(0.0);
                words.push(Span { x, y, width, size, bold, text, spaced });
            }
        }
        spaced = false;
        joinable = !single;
    }

    words
}

/// What a soft hyphen is on the page.
enum Hyphen {
    /// The sign at a line's end where a word was broken.
    Ends,
    /// A place where the word could have been broken.
    Hidden,
    /// The same before the sign that is seen: the next glyph.
    Doubled,
    /// An ordinary hyphen: fonts have one glyph for both.
    Shown,
}

fn soft_hyphen(glyph: &Glyph, next: Option<&Glyph>) -> Hyphen {
    let next = next.filter(|next| {
        (next.y - glyph.y).abs() < 0.1 * glyph.size && (next.x - glyph.x).abs() < 2.0 * glyph.size
    });
    match next {
        None => Hyphen::Ends,
        Some(next) if next.x - glyph.x > 0.15 * glyph.size => Hyphen::Shown,
        Some(next) if ["-", "\u{2010}"].contains(&next.text.as_str()) => Hyphen::Doubled,
        Some(_) => Hyphen::Hidden,
    }
}

fn continues(word: &Span, glyph: &Glyph) -> bool {
    let gap = glyph.x - word.right();
    word.bold == glyph.bold
        && (word.size - glyph.size).abs() < 0.05 * word.size
        && (word.y - glyph.y).abs() < 0.05 * word.size
        && (OVERLAP * word.size..WORD_GAP * word.size).contains(&gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Glyphs of five points each, one after the other.
    fn glyphs(text: &str, x: f32, y: f32) -> Vec<Glyph> {
        let mut x = x - 5.0;
        text.chars()
            .map(|c| {
                x += 5.0;
                let text = c.to_string();
                Glyph { x, y, width: 5.0, size: 10.0, bold: false, turn: 0, text }
            })
            .collect()
    }

    fn texts(sheet: Sheet) -> Vec<String> {
        let all = by_direction(sheet);
        all.into_iter().flat_map(|(words, _)| words).map(|word| word.text).collect()
    }

    fn across(y: f32, from: f32, to: f32) -> Rule {
        Rule::new(Direction::Across, y, from, to).unwrap()
    }

    #[test]
    fn what_is_struck_through_is_left_out_and_what_is_underlined_is_not() {
        let glyphs = glyphs("now 25 32", 0.0, 100.0);
        let strike = across(103.0, 20.0, 30.0);
        let underline = across(98.5, 0.0, 45.0);
        let sheet = Sheet { glyphs, rules: vec![strike, underline] };
        assert_eq!(texts(sheet), ["now", "32"]);
    }

    #[test]
    fn soft_hyphens_are_told_from_hyphens() {
        let mut line = glyphs("Post\u{AD}\u{AD}\u{2010}", 0.0, 100.0);
        for glyph in &mut line[5..] {
            glyph.x = 20.0;
        }
        line.extend(glyphs("fach", 0.0, 88.0));
        line.extend(glyphs("e\u{AD}mail", 0.0, 76.0));
        let sheet = Sheet { glyphs: line, rules: Vec::new() };
        assert_eq!(texts(sheet), ["Post\u{AD}", "fach", "e\u{2010}mail"]);
    }

    #[test]
    fn what_is_written_in_another_direction_comes_last() {
        let mut all = glyphs("SIDE", -100.0, 20.0);
        for glyph in &mut all {
            glyph.turn = 90;
        }
        all.extend(glyphs("upright", 0.0, 100.0));
        assert_eq!(texts(Sheet { glyphs: all, rules: Vec::new() }), ["upright", "SIDE"]);
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        let mut all = glyphs("ab", f32::NAN, 100.0);
        all.extend(glyphs("whole", 0.0, 100.0));
        assert_eq!(texts(Sheet { glyphs: all, rules: Vec::new() }), ["whole"]);
        assert!(Rule::new(Direction::Down, 1.0, f32::INFINITY, 2.0).is_none());
    }
}
