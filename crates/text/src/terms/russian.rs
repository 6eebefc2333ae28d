//! What Snowball's rules for Russian leave apart.
//!
//! A vowel between the last two consonants comes and goes (`деньги`, `денег`; `скидка`, `скидок`),
//! and words of one syllable keep their endings (`дня`, `дней`). Here both forms become one term. A
//! vowel is dropped only where the word has another, so that `лес` and `лось` stay two words; the
//! few words of one syllable are listed.

/// Words of one syllable that lose their vowel: what Snowball makes of the full form, and what
/// stays without it.
const FLEETING: &[(&str, &str)] = &[
    ("ден", "дн"),
    ("лев", "льв"),
    ("лед", "льд"),
    ("лен", "льн"),
    ("лоб", "лб"),
    ("мох", "мх"),
    ("пен", "пн"),
    ("пес", "пс"),
    ("ров", "рв"),
    ("рот", "рт"),
    ("сон", "сн"),
    ("шов", "шв"),
];

/// What may follow a stem without a vowel.
const ENDINGS: &[&str] = &[
    "а", "ам", "ами", "ах", "е", "ей", "ем", "и", "ов", "ом", "у", "ы", "ю", "я", "ям", "ями", "ях",
];

/// The term of a folded word, given Snowball's stem of it.
pub(super) fn settle(word: &str, stem: &str) -> String {
    for (full, short) in FLEETING {
        let bare = word.strip_prefix(short).is_some_and(|ending| ENDINGS.contains(&ending));
        if stem == *full || bare {
            return (*short).to_owned();
        }
    }
    contract(stem).unwrap_or_else(|| stem.to_owned())
}

/// The stem without the vowel or soft sign between its last two consonants.
fn contract(stem: &str) -> Option<String> {
    let (before_last, last) = split_last(stem)?;
    let (before, between) = split_last(before_last)?;
    let (_, first) = split_last(before)?;
    if is_vowel(last) || matches!(last, 'ь' | 'ъ' | 'й') || !is_cyrillic(last) {
        return None;
    }
    let other_vowel = before.chars().any(is_vowel);
    match between {
        'ь' if !is_vowel(first) && other_vowel => Some(format!("{before}{last}")),
        'е' if last == 'к' && is_vowel(first) => Some(format!("{before}й{last}")),
        'е' | 'о' if !is_vowel(first) && is_cyrillic(first) => {
            let before = before.trim_end_matches('ь');
            other_vowel.then(|| format!("{before}{last}"))
        }
        _ => None,
    }
}

fn split_last(text: &str) -> Option<(&str, char)> {
    let last = text.chars().next_back()?;
    Some((&text[..text.len() - last.len_utf8()], last))
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'а' | 'е' | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я')
}

const fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}
