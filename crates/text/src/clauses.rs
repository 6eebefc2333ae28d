//! Numbers of clauses as contracts and rules show them: `2.3.`, `§ 4`, `Статья 2`, `(a)`.

/// Words that stand before the number of a clause, in lower case; longer ones first.
const NAMES: [&str; 22] = [
    "paragraph",
    "параграф",
    "артикул",
    "article",
    "section",
    "artikel",
    "clause",
    "раздел",
    "статья",
    "статье",
    "статьи",
    "статью",
    "пункта",
    "пункту",
    "пункте",
    "пункт",
    "разделе",
    "глава",
    "item",
    "art.",
    "ст.",
    "п.",
];
/// A number of a clause has at most so many parts, of so many digits.
const MOST_PARTS: usize = 6;
const MOST_DIGITS: usize = 3;
/// Roman numerals and letters are short, characters.
const LONGEST_ROMAN: usize = 6;

/// The mark that a line begins with, and what stands behind it. A plain `1.` is an item of a list
/// and no clause.
pub fn mark(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let length = named(line).or_else(|| numbered(line)).or_else(|| lettered(line))?;
    let rest = line[length..].trim_start();
    (!rest.is_empty()).then_some((line[..length].trim_end(), rest))
}

/// The number in a mark, without what stands around it: `2.3` of `§ 2.3.`.
pub fn number(mark: &str) -> &str {
    let end = mark.trim_end_matches(['.', ')', ':', ' ']);
    let start = end
        .rfind([' ', '§', '(', '\u{A0}'])
        .map_or(0, |at| at + end[at..].chars().next().map_or(1, char::len_utf8));
    &end[start..]
}

/// The clause that a question asks for: `What does clause 2.3 say?` It is named so, or its number
/// has several parts.
pub fn asked(question: &str) -> Option<String> {
    let lower = question.to_lowercase();
    let mut before = "";
    for word in lower.split_whitespace() {
        let sign = word.trim_start_matches('§');
        let bare = sign.trim_matches(|c: char| !c.is_alphanumeric());
        let parts = parts(bare);
        let is_named = NAMES.contains(&before) || before == "§" || sign.len() < word.len();
        if parts > 0 && is_named {
            return Some(bare.to_owned());
        }
        before = word;
    }
    None
}

/// How many parts a number such as `2.3` has; 0 for what is none.
fn parts(number: &str) -> usize {
    let is_part = |part: &str| {
        (1..=MOST_DIGITS).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let count = number.split('.').count();
    if count <= MOST_PARTS && number.split('.').all(is_part) { count } else { 0 }
}

/// The length of `§ 2.`, `Статья 2`, `Article 3:`.
fn named(line: &str) -> Option<usize> {
    let word = || {
        let space = line.find([' ', '\u{A0}'])?;
        NAMES.contains(&line[..space].to_lowercase().as_str()).then(|| &line[space..])
    };
    let rest = line.strip_prefix('§').or_else(word)?;
    let bare = rest.trim_start();
    let digits = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
    if parts(bare[..digits].trim_end_matches('.')) == 0 {
        return None;
    }
    let tail = &bare[digits..];
    let closed = tail.strip_prefix([':', ')']).unwrap_or(tail);
    (closed.is_empty() || closed.starts_with(char::is_whitespace))
        .then(|| line.len() - closed.len())
}

/// The length of `2.3`, `2.3.` or `2.3)`. Without a closing sign the text behind it has to begin
/// like a sentence: `2.5 kg` is an amount.
fn numbered(line: &str) -> Option<usize> {
    let end = line.find(char::is_whitespace)?;
    let word = &line[..end];
    let bare = word.trim_end_matches(['.', ')']);
    let rest = line[end..].trim_start();
    let begins = bare.len() < word.len()
        || rest.chars().next().is_some_and(|c| c.is_uppercase() || matches!(c, '«' | '"' | '“'));
    (parts(bare) >= 2 && begins).then_some(end)
}

/// The length of `a)`, `(a)`, `(ii)` or `IV.`.
fn lettered(line: &str) -> Option<usize> {
    let end = line.find(char::is_whitespace)?;
    let word = &line[..end];
    let opened = word.strip_prefix('(');
    let bare = opened.unwrap_or(word).strip_suffix(')');
    let single = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
    };

    let is_mark = match bare {
        Some(bare) => single(bare) || is_roman(bare) || opened.is_some() && parts(bare) > 0,
        None => word.strip_suffix('.').is_some_and(|word| {
            is_roman(word) && word.len() > 1 && word.contains(char::is_uppercase)
        }),
    };
    is_mark.then_some(end)
}

fn is_roman(text: &str) -> bool {
    let of = |digits: &str| text.chars().all(|c| digits.contains(c));
    !text.is_empty() && text.len() <= LONGEST_ROMAN && (of("ivxlc") || of("IVXLC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_clauses_are_told_from_amounts_and_words() {
        for (line, expected) in [
            ("2.3. Late payment costs more", Some(("2.3.", "Late payment costs more"))),
            ("  10.2.1 Срок оплаты", Some(("10.2.1", "Срок оплаты"))),
            ("2.5 kg of tea", None),
            ("1. One", None),
            ("§ 2 Оплата", Some(("§ 2", "Оплата"))),
            ("Статья 2. Права", Some(("Статья 2.", "Права"))),
            ("Article 7: Costs", Some(("Article 7:", "Costs"))),
            ("Статья о чае", None),
            ("c) cash", Some(("c)", "cash"))),
            ("(ii) by card", Some(("(ii)", "by card"))),
            ("IV. Costs", Some(("IV.", "Costs"))),
            ("I. Ivanov", None),
            ("12.10.2026 We open", None),
            ("A dog", None),
            ("2.3.", None),
        ] {
            assert_eq!(mark(line), expected, "{line}");
        }
        assert_eq!(["2.3.", "§ 4", "Статья 2.", "(a)"].map(number), ["2.3", "4", "2", "a"]);
    }

    #[test]
    fn a_question_names_the_clause_that_it_asks_for() {
        assert_eq!(asked("What does clause 2.3 say?").as_deref(), Some("2.3"));
        assert_eq!(asked("Что сказано в пункте 2.1 договора?").as_deref(), Some("2.1"));
        assert_eq!(asked("О чём статья 5?").as_deref(), Some("5"));
        assert_eq!(asked("What is in §7?").as_deref(), Some("7"));
        assert_eq!(asked("Is 2.5 kg enough?"), None);
        assert_eq!(asked("What does clause say?"), None);
    }
}
