//! Where sentences end, in English and Russian.

use std::ops::Range;

use super::blocks::trim;

/// Abbreviations that stand before the word they belong to, so no sentence ends with them. Lower
/// case.
const BEFORE: &[&str] = &[
    "approx",
    "art",
    "capt",
    "cf",
    "ch",
    "col",
    "dr",
    "e.g",
    "ed",
    "eg",
    "fig",
    "gen",
    "hon",
    "i.e",
    "ie",
    "lt",
    "mr",
    "mrs",
    "ms",
    "mt",
    "no",
    "nos",
    "op",
    "p",
    "pp",
    "prof",
    "rev",
    "sec",
    "sen",
    "sgt",
    "st",
    "tel",
    "viz",
    "vol",
    "vs",
    "акад",
    "бульв",
    "вып",
    "гл",
    "гр",
    "д",
    "доб",
    "доц",
    "ж.-д",
    "зам",
    "илл",
    "им",
    "кв",
    "корп",
    "наб",
    "напр",
    "обл",
    "оф",
    "пер",
    "пл",
    "пом",
    "пос",
    "пр",
    "просп",
    "проф",
    "рис",
    "с",
    "св",
    "см",
    "соч",
    "ср",
    "стр",
    "т.е",
    "т.к",
    "т.н",
    "табл",
    "тел",
    "тов",
    "ул",
    "ч",
    "ш",
    "эт",
];

/// The sentences of a part of a text, without blanks around them.
pub(super) fn find(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let part = &text[range.clone()];
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = part.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = match c {
            '.' | '!' | '?' | '…' | '。' | '！' | '？' => {
                let mut end = at + c.len_utf8();
                while let Some((at, c)) = chars.next_if(|(_, c)| closes(*c)) {
                    end = at + c.len_utf8();
                }
                is_end(&part[start..], at - start, end - start, c).then_some(end)
            }
            '\n' => is_line_apart(&part[start..at], &part[at..]).then_some(at),
            _ => None,
        };

        if let Some(end) = ends {
            found.extend(trim(text, range.start + start..range.start + end));
            start = end;
        }
    }

    found.extend(trim(text, range.start + start..range.end));
    found
}

fn closes(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '"' | '\'' | '»' | '”' | '’' | ')' | ']' | '*' | '_')
}

/// Does the sentence `text` end behind its mark, which stands at `mark` and with its quotes ends at
/// `end`?
fn is_end(text: &str, mark: usize, end: usize, sign: char) -> bool {
    if matches!(sign, '。' | '！' | '？') {
        return true;
    }
    let rest = &text[end..];
    if !rest.starts_with(char::is_whitespace) {
        return rest.is_empty();
    }
    // Direct speech goes on behind a dash.
    let rest = rest.trim_start();
    let spoken = rest.trim_start_matches(['—', '–', '-']).trim_start();
    let next = rest.chars().next();
    if spoken.starts_with(char::is_lowercase) {
        return false;
    }
    sign != '.' || end > mark + 1 || !is_abbreviation(text, mark, next)
}

fn is_abbreviation(text: &str, mark: usize, next: Option<char>) -> bool {
    let before = text[..mark].trim_start();
    let word_at = before
        .rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '«' | '"' | '„'))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[word_at..];
    let mut letters = word.chars();
    let first = letters.next();
    // An initial: `J. Smith`, `А. С. Пушкин`.
    if letters.next().is_none() && first.is_some_and(char::is_uppercase) {
        return true;
    }
    let lower = word.to_lowercase();
    if lower == "г" || lower == "гг" {
        // A town follows its abbreviation, a year precedes it.
        let previous = before[..word_at].trim_end();
        return !previous.ends_with(|c: char| c.is_ascii_digit());
    }
    if matches!(lower.as_str(), "no" | "р" | "т" | "п" | "пп" | "ст") {
        // Before a number, or as the first half of `т. е.`, `п. 5`.
        return next.is_some_and(|c| c.is_ascii_digit());
    }
    // The number of a list's item.
    let item =
        word_at == 0 && (1..=3).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    item || BEFORE.binary_search(&lower.as_str()).is_ok()
}

/// A line that ends early and is followed by a capital, a number or a bullet stands for itself.
fn is_line_apart(line: &str, rest: &str) -> bool {
    let last = line.rsplit('\n').next().unwrap_or(line);
    let next = rest.trim_start().chars().next();
    let item = matches!(next, Some('-' | '–' | '—' | '•' | '*' | '+' | '◦' | '▪'));
    let fresh = next.is_some_and(|c| c.is_uppercase() || c.is_numeric());
    item || fresh && last.chars().nth(60).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        find(text, 0..text.len()).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn the_abbreviations_are_sorted_for_binary_search() {
        assert!(BEFORE.is_sorted());
    }

    #[test]
    fn english_sentences_end_where_they_end() {
        assert_eq!(
            split(
                "It costs 4.90 EUR. Dr. A. Smith, e.g. in St. Paul, agrees! \"Really?\" Yes... maybe. See fig. 3."
            ),
            [
                "It costs 4.90 EUR.",
                "Dr. A. Smith, e.g. in St. Paul, agrees!",
                "\"Really?\"",
                "Yes... maybe.",
                "See fig. 3."
            ]
        );
        assert_eq!(
            split("Visit example.com. It works at 5 p.m. every day."),
            ["Visit example.com.", "It works at 5 p.m. every day."]
        );
    }

    #[test]
    fn russian_sentences_end_where_they_end() {
        assert_eq!(
            split(
                "Доставка от 5 000 руб. Курьер, т. е. человек, едет в г. Тверь на ул. Ленина, д. 5. А. С. Пушкин \
                   родился в 1799 г. Это факт! См. п. 5 и т. д."
            ),
            [
                "Доставка от 5 000 руб.",
                "Курьер, т. е. человек, едет в г. Тверь на ул. Ленина, д. 5.",
                "А. С. Пушкин родился в 1799 г.",
                "Это факт!",
                "См. п. 5 и т. д."
            ]
        );
        assert_eq!(
            split("«Вернём деньги?» — спросил он. «Да!» Он ушёл."),
            ["«Вернём деньги?» — спросил он.", "«Да!»", "Он ушёл."]
        );
    }

    #[test]
    fn short_lines_stand_for_themselves_and_wrapped_ones_do_not() {
        assert_eq!(split("Mon 9-18\nTue 9-18\n- closed"), ["Mon 9-18", "Tue 9-18", "- closed"]);
        assert_eq!(
            split(
                "This line was wrapped by a careful program at eighty characters of\nText that goes on."
            ),
            [
                "This line was wrapped by a careful program at eighty characters of\nText that goes on."
            ]
        );
    }
}
