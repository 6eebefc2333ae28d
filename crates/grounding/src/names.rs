//! Names of people and places, compared by their sound.

use super::numbers::pattern;

/// The names of a text by their consonants in Latin letters.
pub(super) fn names(text: &str) -> Vec<String> {
    pattern!(CAPITAL, r"\p{Lu}[\p{L}'’-]{2,}");
    let mut names: Vec<String> =
        CAPITAL.find_iter(text).map(|name| consonants(name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Names are written as they sound in each alphabet, and their endings change: the first consonants
/// stay.
pub(super) fn sounds_alike(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    length >= 2 && one.len().abs_diff(other.len()) <= 2 && one[..length] == other[..length]
}

/// The consonants of a name, in Latin letters.
pub(super) fn consonants(name: &str) -> String {
    const SOUNDS: [(&str, &str); 21] = [
        ("б", "b"),
        ("в", "v"),
        ("г", "g"),
        ("д", "d"),
        ("ж", "z"),
        ("з", "z"),
        ("к", "k"),
        ("л", "l"),
        ("м", "m"),
        ("н", "n"),
        ("п", "p"),
        ("р", "r"),
        ("с", "s"),
        ("т", "t"),
        ("ф", "f"),
        ("х", "h"),
        ("ц", "c"),
        ("ч", "c"),
        ("ш", "s"),
        ("щ", "s"),
        ("w", "v"),
    ];
    let mut found = String::new();
    for c in name.to_lowercase().chars() {
        let mut letter = [0; 4];
        let letter = c.encode_utf8(&mut letter);
        let sound = SOUNDS.iter().find(|(from, _)| *from == &*letter).map(|(_, to)| *to);
        let plain = match c {
            'š' | 'ş' => "s",
            'ž' => "z",
            'č' | 'ç' => "c",
            'ņ' | 'ñ' => "n",
            'ļ' | 'ł' => "l",
            'ķ' => "k",
            'ģ' => "g",
            c if c.is_ascii_alphabetic() && !"aeiouyhj".contains(c) => letter,
            _ => "",
        };
        let sound = sound.unwrap_or(plain);
        if !found.ends_with(sound) || sound.is_empty() {
            found.push_str(sound);
        }
    }
    found
}
