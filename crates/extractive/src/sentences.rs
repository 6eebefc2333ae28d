//! Where sentences end, in any script that marks it.

/// Abbreviations that are always followed by more of the sentence.
const INSIDE: &[&str] = &[
    "approx",
    "cf",
    "dr",
    "e.g",
    "fig",
    "gen",
    "i.e",
    "mr",
    "mrs",
    "ms",
    "nr",
    "prof",
    "sen",
    "st",
    "viz",
    "vol",
    "vs",
    "акад",
    "гл",
    "д",
    "до н",
    "доц",
    "ж",
    "им",
    "кв",
    "корп",
    "напр",
    "наб",
    "обл",
    "оф",
    "пер",
    "пл",
    "пос",
    "пр-т",
    "просп",
    "проф",
    "св",
    "см",
    "ср",
    "стр",
    "т.е",
    "т.к",
    "т.н",
    "тел",
    "ул",
];

/// Abbreviations that may also end a sentence: they do when the next word has a capital letter.
const EITHER: &[&str] = &[
    "a.d", "a.m", "b.c", "co", "corp", "etc", "inc", "jr", "ltd", "no", "p.m", "sr", "u.k", "u.s",
    "в", "вв", "г", "гг", "др", "коп", "мин", "млн", "млрд", "н.э", "пр", "р", "руб", "сек", "т.д",
    "т.п", "тыс", "ч", "чел", "шт", "экз",
];

/// The sentences of a paragraph, trimmed, none of them empty.
pub(super) fn sentences(paragraph: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut rest = paragraph.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if !is_end(c) {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some(&(next, c)) = rest.peek()
            && (is_end(c) || is_closing(c))
        {
            end = next + c.len_utf8();
            rest.next();
        }
        if ends_here(&paragraph[begin..at], c, &paragraph[end..]) {
            found.push(paragraph[begin..end].trim());
            begin = end;
        }
    }
    found.push(paragraph[begin..].trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '؟' | '।')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '»' | '”' | '’' | '」')
}

/// Does a sentence end at `mark`, `before` which it stands and `after` which the text goes on?
fn ends_here(before: &str, mark: char, after: &str) -> bool {
    if matches!(mark, '。' | '！' | '？') {
        return true;
    }
    let next = after.trim_start().trim_start_matches(is_opening);
    let Some(first) = next.chars().next() else { return true };
    if !after.starts_with(char::is_whitespace) || first.is_lowercase() {
        return false;
    }
    if mark != '.' {
        return true;
    }
    let mut words = before.split_whitespace().rev();
    let word = words.next().unwrap_or_default().trim_start_matches(is_opening).to_lowercase();
    let after_number =
        words.next().is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit()));
    if EITHER.contains(&word.as_str()) {
        return match word.as_str() {
            // `г. Москва`, but `в 2015 г. Компания`; `No. 5`, but `The answer is no. It`.
            "г" | "в" | "р" => after_number && first.is_uppercase(),
            _ => first.is_uppercase(),
        };
    }
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let is_list_number = before.trim().chars().all(|c| c.is_ascii_digit()) && before.len() < 4;
    !(is_initial || is_list_number || INSIDE.contains(&word.as_str()))
}

fn is_opening(c: char) -> bool {
    matches!(c, '"' | '\'' | '(' | '[' | '«' | '“' | '‘' | '„' | '—' | '–' | '-' | ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> Vec<&str> {
        sentences(text)
    }

    #[test]
    fn sentences_end_where_they_end() {
        assert_eq!(ends("One. Two! Three? Four…"), ["One.", "Two!", "Three?", "Four…"]);
        assert_eq!(ends("Он сказал: «Да». Потом ушёл."), ["Он сказал: «Да».", "Потом ушёл."]);
        assert_eq!(ends("Really?! (Yes.) Fine"), ["Really?!", "(Yes.)", "Fine"]);
        assert_eq!(
            ends("営業時間は九時です。日曜は休み。"),
            ["営業時間は九時です。", "日曜は休み。"]
        );
        assert!(ends(" \n ").is_empty());
    }

    #[test]
    fn abbreviations_decimals_and_initials_do_not_end_them() {
        for whole in [
            "It costs 2.5 euros, e.g. for Dr. Smith and J. R. Jones at No. 5.",
            "Магазин в г. Москва, ул. Ленина, д. 5, тел. 123.",
            "Возврат, т.е. обмен, по правилам А. С. Пушкина на 2.5 тыс. рублей.",
            "Visit example.com or write to a.b@example.com today.",
            "Скидка 5 % и т. д. для всех.",
            "1. First step",
        ] {
            assert_eq!(ends(whole), [whole]);
        }
    }

    #[test]
    fn an_abbreviation_can_be_the_last_word() {
        assert_eq!(
            ends("Основан в 2015 г. Компания растёт."),
            ["Основан в 2015 г.", "Компания растёт."]
        );
        assert_eq!(
            ends("Open until 6 p.m. Closed on Sunday."),
            ["Open until 6 p.m.", "Closed on Sunday."]
        );
        assert_eq!(
            ends("Это стоит 500 руб. Оплата картой."),
            ["Это стоит 500 руб.", "Оплата картой."]
        );
    }
}
