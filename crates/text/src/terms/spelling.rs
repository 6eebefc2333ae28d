//! What a word may have been meant to be: typed in the wrong keyboard layout, or spelt in the other
//! script.

/// The letters of a Russian keyboard by the keys of an English one.
const KEYS: &[(char, char)] = &[
    ('q', 'й'),
    ('w', 'ц'),
    ('e', 'у'),
    ('r', 'к'),
    ('t', 'е'),
    ('y', 'н'),
    ('u', 'г'),
    ('i', 'ш'),
    ('o', 'щ'),
    ('p', 'з'),
    ('[', 'х'),
    (']', 'ъ'),
    ('a', 'ф'),
    ('s', 'ы'),
    ('d', 'в'),
    ('f', 'а'),
    ('g', 'п'),
    ('h', 'р'),
    ('j', 'о'),
    ('k', 'л'),
    ('l', 'д'),
    (';', 'ж'),
    ('\'', 'э'),
    ('z', 'я'),
    ('x', 'ч'),
    ('c', 'с'),
    ('v', 'м'),
    ('b', 'и'),
    ('n', 'т'),
    ('m', 'ь'),
    (',', 'б'),
    ('.', 'ю'),
    ('`', 'ё'),
];

/// How Cyrillic letters are commonly written in Latin ones.
const SOUNDS: &[(char, &str)] = &[
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "h"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "sch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
];

/// The text as the same keys give it in the other layout, Russian or English: `ghbdtn` is `привет`.
pub fn other_layout(text: &str) -> String {
    let cyrillic = text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| {
            let key =
                KEYS.iter().find(|(latin, russian)| c == if cyrillic { *russian } else { *latin });
            key.map_or(c, |(latin, russian)| if cyrillic { *latin } else { *russian })
        })
        .collect()
}

/// A word in the other script, Cyrillic or Latin, letter by letter: `самсунг` is `samsung`. Nothing
/// when it has letters of neither.
pub fn other_script(word: &str) -> Option<String> {
    let lower = word.to_lowercase().replace('ё', "е");
    if lower.chars().all(|c| ('а'..='я').contains(&c)) && !lower.is_empty() {
        let sound =
            |c: char| SOUNDS.iter().find(|(letter, _)| *letter == c).map(|(_, sound)| *sound);
        return Some(lower.chars().filter_map(sound).collect());
    }
    if lower.is_empty() || !lower.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let mut spelt = String::with_capacity(lower.len() * 2);
    let mut rest = lower.as_str();
    while let Some(first) = rest.chars().next() {
        // The longest sound first: `sch` before `sh` before `s`.
        let whole = SOUNDS
            .iter()
            .filter(|(_, sound)| !sound.is_empty() && rest.starts_with(sound))
            .max_by(|(a, one), (b, other)| one.len().cmp(&other.len()).then(b.cmp(a)));
        let foreign = match first {
            'c' | 'q' => Some(('к', 1)),
            'j' => Some(('ж', 1)),
            'w' => Some(('в', 1)),
            'x' => Some(('х', 1)),
            _ => None,
        };
        let (letter, length) = whole.map(|(c, sound)| (*c, sound.len())).or(foreign)?;
        spelt.push(letter);
        rest = &rest[length..];
    }
    Some(spelt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_layout_is_undone_both_ways() {
        assert_eq!(other_layout("Ghbdtn"), "привет");
        assert_eq!(other_layout("ljcnfdrf"), "доставка");
        assert_eq!(other_layout("вудшмукн"), "delivery");
    }

    #[test]
    fn names_cross_the_scripts() {
        assert_eq!(other_script("Самсунг").as_deref(), Some("samsung"));
        assert_eq!(other_script("Sberbank").as_deref(), Some("сбербанк"));
        assert_eq!(other_script("chaynik").as_deref(), Some("чайник"));
        assert_eq!(other_script("42"), None);
        assert_eq!(other_script(""), None);
    }
}
