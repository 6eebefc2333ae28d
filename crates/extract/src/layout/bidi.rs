//! Writing from right to left: what is seen becomes what is said.

/// Signs that belong to the number beside them.
const SIGNS: &str = "%$€£₪₽°+";

/// A part of a line as it is seen, from left to right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Where it is, points.
    pub(super) left: f32,
    pub(super) right: f32,
}

/// What a piece does to the direction of its neighbors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Left,
    Right,
    /// Digits are read from left to right, whatever is around them.
    Number,
    Neutral,
}

/// Is a letter written from right to left?
pub(super) fn is_rtl(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
        && !is_arabic_digit(c)
}

fn is_arabic_digit(c: char) -> bool {
    matches!(c, '\u{660}'..='\u{669}' | '\u{6F0}'..='\u{6F9}')
}

/// Points of vowels and other marks that stand on the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{591}'..='\u{5BD}' | '\u{5BF}' | '\u{5C1}'..='\u{5C2}'
        | '\u{5C4}'..='\u{5C5}' | '\u{5C7}' | '\u{610}'..='\u{61A}' | '\u{64B}'..='\u{65F}'
        | '\u{670}' | '\u{6D6}'..='\u{6DC}' | '\u{6DF}'..='\u{6E4}' | '\u{6E7}'..='\u{6E8}'
        | '\u{6EA}'..='\u{6ED}')
}

fn class(text: &str) -> Class {
    let mut class = Class::Neutral;
    for c in text.chars() {
        match c {
            c if is_rtl(c) => return Class::Right,
            c if c.is_numeric() => class = Class::Number,
            c if c.is_alphabetic() => return Class::Left,
            _ => {}
        }
    }
    class
}

/// A word and the marks around it, which take the direction of the line: `9-` beside a word from
/// right to left is `-9`.
pub(super) fn parts(text: &str, left: f32, right: f32) -> Vec<Piece> {
    let is_loose =
        |c: char| !c.is_alphanumeric() && !is_rtl(c) && !is_mark(c) && !SIGNS.contains(c);
    let core = text.trim_matches(is_loose);
    if core.is_empty() || core.len() == text.len() || core.chars().any(is_rtl) {
        return vec![Piece { text: text.to_owned(), left, right }];
    }

    let start = text.len() - text.trim_start_matches(is_loose).len();
    let before = text[..start].chars().map(|c| (c.to_string(), left));
    let after = text[start + core.len()..].chars().map(|c| (c.to_string(), right));
    before
        .chain([(core.to_owned(), left)])
        .chain(after)
        .map(|(text, left)| Piece { text, left, right })
        .collect()
}

/// The text of pieces in the order in which they are read. Blanks are pieces as well.
pub(super) fn logical(mut pieces: Vec<Piece>) -> String {
    let has_rtl = pieces.iter().any(|piece| class(&piece.text) == Class::Right);
    if !has_rtl {
        return pieces.into_iter().map(|piece| piece.text).collect();
    }

    // No sentence begins with its full stop: the paragraph was set from left to right.
    let is_stop = |piece: &Piece| piece.text.chars().all(|c| ".!?:;,؟،".contains(c));
    let stop = if pieces.last().is_some_and(is_stop) && !pieces.first().is_some_and(is_stop) {
        pieces.pop()
    } else {
        None
    };

    let pieces = with_marks(pieces);
    let letters = |wanted| -> usize {
        let of = pieces.iter().filter(|piece| class(&piece.text) == wanted);
        of.map(|piece| piece.text.chars().count()).sum()
    };
    let runs = runs(&pieces, letters(Class::Right) >= letters(Class::Left));
    let texts: Vec<String> = runs
        .into_iter()
        .map(|(is_rtl, run)| {
            let texts: Vec<&str> = run.iter().map(|piece| piece.text.as_str()).collect();
            if is_rtl { mirrored(&texts) } else { texts.concat() }
        })
        .chain(stop.map(|piece| piece.text))
        .collect();
    texts.concat()
}

/// Puts marks behind the letters that they stand on.
fn with_marks(pieces: Vec<Piece>) -> Vec<Piece> {
    let is_on = |mark: &Piece| mark.text.chars().all(is_mark);
    let (marks, mut letters): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(is_on);
    for mark in marks {
        let center = f32::midpoint(mark.left, mark.right);
        let distance = |letter: &Piece| (f32::midpoint(letter.left, letter.right) - center).abs();
        let nearest = letters
            .iter_mut()
            .filter(|letter| class(&letter.text) == Class::Right)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        if let Some(letter) = nearest {
            letter.text.push_str(&mark.text);
        }
    }
    letters
}

/// Runs of one direction in the order in which they are read, each in that order as well. The first
/// of a pair says whether the run is from right to left.
fn runs(seen: &[Piece], is_rtl_line: bool) -> Vec<(bool, Vec<&Piece>)> {
    let classes: Vec<Class> = seen.iter().map(|piece| class(&piece.text)).collect();
    let directions: Vec<bool> =
        (0..seen.len()).map(|at| reads_rtl(&classes, seen, at, is_rtl_line)).collect();

    let mut runs: Vec<(bool, Vec<&Piece>)> = Vec::new();
    for (piece, is_rtl) in seen.iter().zip(directions) {
        match runs.last_mut() {
            Some((open, run)) if *open == is_rtl => run.push(piece),
            _ => runs.push((is_rtl, vec![piece])),
        }
    }

    if is_rtl_line {
        runs.reverse();
    } else {
        runs = with_numbers(runs);
    }
    for (is_rtl, run) in &mut runs {
        if *is_rtl {
            run.reverse();
        }
    }
    runs
}

/// Numbers between words from right to left are part of that writing, though they are read the
/// other way: in a line from left to right the whole stretch turns around.
fn with_numbers(runs: Vec<(bool, Vec<&Piece>)>) -> Vec<(bool, Vec<&Piece>)> {
    let is_number = |run: &[&Piece]| run.iter().all(|piece| class(&piece.text) != Class::Left);
    let mut ordered: Vec<(bool, Vec<&Piece>)> = Vec::new();
    let mut stretch: Vec<(bool, Vec<&Piece>)> = Vec::new();
    for (is_rtl, run) in runs {
        if is_rtl || is_number(&run) && !stretch.is_empty() {
            stretch.push((is_rtl, run));
        } else {
            ordered.extend(stretch.drain(..).rev());
            ordered.push((is_rtl, run));
        }
    }
    ordered.extend(stretch.into_iter().rev());
    ordered
}

/// Is the piece read from right to left? What has no direction goes with both its neighbors if they
/// agree, and else with the line.
fn reads_rtl(classes: &[Class], seen: &[Piece], at: usize, is_rtl_line: bool) -> bool {
    match classes[at] {
        Class::Right => true,
        Class::Left | Class::Number => false,
        Class::Neutral => {
            let near = |at: Option<usize>| {
                at.and_then(|at| classes.get(at)).is_some_and(|class| *class == Class::Number)
            };
            if seen[at].text.chars().all(|c| SIGNS.contains(c))
                && (near(at.checked_sub(1)) || near(Some(at + 1)))
            {
                return false;
            }

            let before = classes[..at].iter().rfind(|class| **class != Class::Neutral);
            let after = classes[at + 1..].iter().find(|class| **class != Class::Neutral);
            match (before, after) {
                (Some(Class::Right), Some(Class::Right)) => true,
                (Some(Class::Left), Some(Class::Left)) => false,
                // A point or a colon between digits, a sign that belongs to the number.
                (Some(Class::Number), Some(Class::Number)) => {
                    is_rtl_line && seen[at].text.trim().is_empty()
                }
                _ => is_rtl_line,
            }
        }
    }
}

/// Joins what is read from right to left. Some programs note the bracket that is seen, others the
/// one that is meant: the first one of a pair opens it.
fn mirrored(texts: &[&str]) -> String {
    let text = texts.concat();
    let first = text.chars().find(|c| "()[]{}<>«»".contains(*c));
    if !first.is_some_and(|c| ")]}>»".contains(c)) {
        return text;
    }
    text.chars()
        .map(|c| match c {
            '(' => ')',
            ')' => '(',
            '[' => ']',
            ']' => '[',
            '{' => '}',
            '}' => '{',
            '<' => '>',
            '>' => '<',
            '«' => '»',
            '»' => '«',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letter by letter as it is seen; a run of other letters or digits is one piece, as a word is.
    fn read(seen: &str) -> String {
        let mut pieces: Vec<Piece> = Vec::new();
        for (at, c) in seen.chars().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a short line")]
            let left = at as f32;
            let joins = !is_rtl(c)
                && c.is_alphanumeric()
                && pieces.last().is_some_and(|last| {
                    last.text.chars().all(|c| c.is_alphanumeric() && !is_rtl(c))
                });
            match pieces.last_mut() {
                Some(last) if joins => {
                    last.text.push(c);
                    last.right = left + 1.0;
                }
                _ => pieces.push(Piece { text: c.to_string(), left, right: left + 1.0 }),
            }
        }
        let parts = |piece: &Piece| parts(&piece.text, piece.left, piece.right);
        logical(pieces.iter().flat_map(parts).collect())
    }

    #[test]
    fn writing_from_right_to_left_is_turned_around_and_its_numbers_are_not() {
        assert_eq!(read(".םילקש 35 הלוע חולשמה"), "המשלוח עולה 35 שקלים.");
        assert_eq!(read(".17 דע 9:30"), "9:30 עד 17.");
        assert_eq!(read("19.90 ריחמה"), "המחיר 19.90");
        assert_eq!(read(".17 דע 9-מ"), "מ-9 עד 17.");
        assert_eq!(read("35% דע 5 ריחמה."), "המחיר 5 עד 35%.");
        assert_eq!(read("plain text 5"), "plain text 5");
    }

    #[test]
    fn words_of_other_writing_keep_their_order() {
        assert_eq!(read("Blue Sea לודגה םיה ןולמ"), "מלון הים הגדול Blue Sea");
        assert_eq!(read("The word םולש is a greeting"), "The word שלום is a greeting");
    }

    #[test]
    fn brackets_open_before_they_close() {
        assert_eq!(read("(תבש) םולש"), "שלום (שבת)");
        assert_eq!(read(")תבש( םולש"), "שלום (שבת)");
    }

    #[test]
    fn marks_follow_their_letters() {
        let piece =
            |text: &str, left: f32, right: f32| Piece { text: text.to_owned(), left, right };
        let seen = vec![piece("ם", 0.0, 5.0), piece("\u{5B8}", 7.0, 7.0), piece("ש", 5.0, 10.0)];
        assert_eq!(logical(seen), "ש\u{5B8}ם");
    }
}
