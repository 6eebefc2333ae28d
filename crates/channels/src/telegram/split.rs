//! Where a text can be cut.

use unicode_segmentation::GraphemeCursor;

/// The longest beginning of a text with at most so many UTF-16 units.
pub(crate) fn cut_units(text: &str, units: usize) -> &str {
    let mut left = units;
    for (at, c) in text.char_indices() {
        match left.checked_sub(c.len_utf16()) {
            Some(rest) => left = rest,
            None => return &text[..at],
        }
    }
    text
}

/// The best place to cut a text at or before `end`: the end of a paragraph, else of a line, else of
/// a sentence, else of a word, as long as that leaves half of it; else between two characters as
/// people see them.
///
/// `end` is a boundary of a character and not 0; the result is too.
pub(crate) fn before(text: &str, end: usize) -> usize {
    if end >= text.len() {
        return text.len();
    }
    let floor = (end / 2).max(1);
    let bytes = text.as_bytes();
    let newline = |at: &usize| bytes[*at] == b'\n';
    let places = || (floor..=end).rev();
    places()
        .find(|at| newline(at) && bytes.get(at + 1) == Some(&b'\n'))
        .or_else(|| places().find(newline))
        .or_else(|| spaces(text, floor, end).find(|&at| ends_sentence(&text[..at])))
        .or_else(|| spaces(text, floor, end).next())
        .unwrap_or_else(|| between_graphemes(text, end))
}

/// Whether there is nothing to see: Telegram refuses such a text.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

/// Where there is space from `floor` to `end`, last first.
fn spaces(text: &str, floor: usize, end: usize) -> impl Iterator<Item = usize> {
    let after = text[end..].chars().next().filter(|c| c.is_whitespace()).map(|_| end);
    let inside = text[..end].char_indices().rev();
    after.into_iter().chain(
        inside
            .take_while(move |(at, _)| *at >= floor)
            .filter(|(_, c)| c.is_whitespace())
            .map(|(at, _)| at),
    )
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '»', '”', ')', '*'])
        .ends_with(['.', '!', '?', '…', '。', '！', '？', '؟'])
}

fn between_graphemes(text: &str, end: usize) -> usize {
    let mut cursor = GraphemeCursor::new(end, text.len(), true);
    // The whole text is at hand, so the cursor never asks for more of it.
    if cursor.is_boundary(text, 0).unwrap_or(true) {
        return end;
    }
    match cursor.prev_boundary(text, 0) {
        Ok(Some(at)) if at > 0 => at,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, end: usize) -> (&str, &str) {
        text.split_at(before(text, end))
    }

    #[test]
    fn units_are_counted_as_telegram_does() {
        assert_eq!(cut_units("😀я😀", 3), "😀я");
        assert_eq!(cut_units("😀", 1), "");
        assert_eq!(cut_units("abc", 3), "abc");
    }

    #[test]
    fn the_largest_unit_of_text_is_kept_whole() {
        assert_eq!(cut("one two\n\nthree\nfour. five six", 25).0, "one two\n\nthree");
        assert_eq!(cut("one two three\n\nfour five\nsix", 24).0, "one two three");
        assert_eq!(cut("one two three\nfour. five six", 24).0, "one two three");
        assert_eq!(cut("one two. Three four five", 14).0, "one two.");
        assert_eq!(cut("one \"two.\" Three four", 16).0, "one \"two.\"");
        assert_eq!(cut("one two three", 8).0, "one two");
        assert_eq!(cut("one two three", 7).0, "one two");
        assert_eq!(cut("one\n\ntwo", 3).0, "one");
        assert_eq!(cut("abcdefgh", 5).0, "abcde");
    }

    #[test]
    fn early_boundaries_do_not_make_tiny_parts() {
        let text = format!("Hi.\n\n{}", "word ".repeat(20));
        assert!(before(&text, 60) > 50);
    }

    #[test]
    fn what_people_see_as_one_character_is_not_cut() {
        let family = "👨\u{200d}👩\u{200d}👧";
        let text = format!("{family}{family}");
        assert_eq!(before(&text, family.len() + 4), family.len());
        assert_eq!(cut("cafe\u{301}s", 4).0, "caf");
        assert_eq!(cut("🇷🇺🇩🇪", 12).0, "🇷🇺");
        let monster = format!("e{}", "\u{301}".repeat(50));
        assert_eq!(before(&monster, 21), 21);
    }
}
