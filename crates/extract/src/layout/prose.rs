//! Do lines below each other run on as sentences do?

use super::Line;

/// A line of running text has at least so many characters on the average.
const SHORTEST: f32 = 12.0;
/// Lines this long are sentences, whatever follows them.
const LONG: f32 = 30.0;
/// At least this share of lines goes on in the next one.
const RUNS_ON: f32 = 0.3;
/// A line that goes on fills this share of the widest.
const FULL: f32 = 0.72;

/// A line's text and its width.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) width: f32,
}

pub(super) fn texts(lines: &[Line]) -> Vec<Text> {
    lines.iter().map(|line| Text { text: line.text(), width: line.right() - line.left() }).collect()
}

/// Is it running text? Lines are words, and a share of them goes on in the next line.
pub(super) fn is_prose(lines: &[Text]) -> bool {
    if lines.len() < 3 {
        return false;
    }
    let letters: usize = lines.iter().map(|line| letters(&line.text)).sum();
    let all: usize = lines.iter().map(|line| line.text.chars().count()).sum();
    let average = ratio(all, lines.len());
    let words: usize = lines.iter().map(|line| line.text.split_whitespace().count()).sum();
    if average < SHORTEST || letters * 2 < all || words * 2 < lines.len() * 5 {
        return false;
    }

    let widest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
    let runs_on = lines.windows(2).filter(|pair| runs_on(&pair[0], &pair[1], widest)).count();
    let share = ratio(runs_on, lines.len() - 1);
    share >= RUNS_ON || average >= LONG && share >= RUNS_ON / 2.0
}

fn runs_on(above: &Text, below: &Text, widest: f32) -> bool {
    let ends = above.text.ends_with(['.', '!', '?', ':', ';']);
    let is_broken = above.text.ends_with(['-', '\u{2010}', '\u{AD}', ',']);
    let is_small = below.text.starts_with(|c: char| c.is_lowercase());
    let has_cases = below.text.starts_with(|c: char| c.is_uppercase()) || is_small;
    is_broken
        || is_small && !above.text.ends_with(['.', '!', '?'])
        || !ends && above.width > FULL * widest && (!has_cases || above.text.contains(' '))
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

#[expect(clippy::cast_precision_loss, reason = "counts of one page")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose(lines: &[(&str, f32)]) -> bool {
        let text = |(text, width): &(&str, f32)| Text { text: (*text).to_owned(), width: *width };
        is_prose(&lines.iter().map(text).collect::<Vec<_>>())
    }

    #[test]
    fn sentences_run_on_and_the_cells_of_a_column_do_not() {
        assert!(prose(&[
            ("Our salon is open from", 98.0),
            ("Tuesday to Saturday,", 90.0),
            ("from 9:30 to 18:45.", 85.0),
            ("Please book two days", 95.0),
            ("ahead by phone.", 70.0),
        ]));
        assert!(!prose(&[("750 ₽", 30.0), ("800 ₽", 30.0), ("1050 ₽", 35.0)]));
        assert!(!prose(&[("Repair kind 1", 60.0), ("Repair kind 2", 60.0), ("Wash 12", 35.0)]));
    }
}
