//! Where words stand in a text.

use super::fold::is_mark;

/// The words of a text with the bytes they begin at: maximal runs of letters and digits. Scripts
/// that put no blanks between words give each pair of neighbouring characters.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    // The end of a stretch without blanks that pairs are taken from.
    let mut pairs_until = 0;
    std::iter::from_fn(move || {
        if rest < pairs_until {
            let mut ends = text[rest..pairs_until].char_indices().map(|(at, c)| at + c.len_utf8());
            let first = ends.next()?;
            let second = ends.next();
            let begin = rest;
            // The last pair takes the last character with it.
            rest = if ends.next().is_some() { begin + first } else { pairs_until };
            return Some((begin, &text[begin..begin + second.unwrap_or(first)]));
        }
        let begin = rest + text[rest..].find(char::is_alphanumeric)?;
        let spaceless = text[begin..].starts_with(is_spaceless);
        let belongs = |c: char| {
            if spaceless { is_spaceless(c) } else { is_of_word(c) && !is_spaceless(c) }
        };
        let end =
            text[begin..].find(|c: char| !belongs(c)).map_or(text.len(), |length| begin + length);
        if spaceless && text[begin..end].chars().nth(2).is_some() {
            (rest, pairs_until) = (begin, end);
            let second = text[begin..end].char_indices().nth(2).map_or(end, |(at, _)| begin + at);
            rest += text[begin..].chars().next().map_or(1, char::len_utf8);
            return Some((begin, &text[begin..second]));
        }
        rest = end;
        Some((begin, &text[begin..end]))
    })
}

/// A letter, a digit, or what stands inside a word without being seen.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
        || is_mark(c)
        || matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
}

/// Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without blanks.
const fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ebef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        words(text)
            .map(|(at, word)| {
                assert!(text[at..].starts_with(word));
                word
            })
            .collect()
    }

    #[test]
    fn letters_and_digits_make_words() {
        assert_eq!(split("Цена: 4 990 ₽ (RX-200)"), ["Цена", "4", "990", "RX", "200"]);
        assert_eq!(split("за\u{301}мок co\u{ad}operate"), ["за\u{301}мок", "co\u{ad}operate"]);
        assert_eq!(split("!?  "), Vec::<&str>::new());
    }

    #[test]
    fn scripts_without_blanks_give_pairs() {
        assert_eq!(split("配送料金は500円"), ["配送", "送料", "料金", "金は", "500", "円"]);
        assert_eq!(split("日本 中"), ["日本", "中"]);
        assert_eq!(split("iPhone的价格"), ["iPhone", "的价", "价格"]);
    }
}
