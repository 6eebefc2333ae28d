//! One spelling for what is the same word to a reader: case, `ё`, accents, composed and decomposed
//! letters.

/// Words longer than this are cut: no language needs more, and hostile input must not blow up an
/// index.
pub(super) const LONGEST: usize = 40;

/// Lower case, letters composed, `ё` as `е`; stress marks, soft hyphens and all else that is no
/// letter or digit dropped. Diacritics of Latin letters stay: stemmers want them.
pub(super) fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        if is_mark(c) {
            if let Some(whole) = folded.chars().next_back().and_then(|base| compose(base, c)) {
                folded.pop();
                folded.push(whole);
            }
        } else if c == 'ё' {
            folded.push('е');
        } else if c.is_alphanumeric() {
            folded.push(c);
        }
    }
    match folded.char_indices().nth(LONGEST) {
        Some((end, _)) => folded[..end].to_owned(),
        None => folded,
    }
}

/// A combining diacritic.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn compose(base: char, mark: char) -> Option<char> {
    let (bases, wholes) = match mark {
        '\u{300}' => ("aeiou", "àèìòù"),
        '\u{301}' => ("aeiouy", "áéíóúý"),
        '\u{302}' => ("aeiou", "âêîôû"),
        '\u{303}' => ("ano", "ãñõ"),
        '\u{306}' => ("и", "й"),
        '\u{308}' => ("aeiou", "äëïöü"),
        '\u{30a}' => ("a", "å"),
        '\u{30c}' => ("cnszer", "čňšžěř"),
        '\u{327}' => ("cs", "çş"),
        _ => return None,
    };
    let place = bases.chars().position(|known| known == base)?;
    wholes.chars().nth(place)
}

/// Latin letters without their diacritics: people leave them out.
pub(super) fn bare(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }

    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'ç' | 'ć' | 'č' => plain.push('c'),
            'ď' | 'đ' => plain.push('d'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => plain.push('e'),
            'ğ' => plain.push('g'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' => plain.push('i'),
            'ł' | 'ľ' => plain.push('l'),
            'ñ' | 'ń' | 'ň' => plain.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => plain.push('o'),
            'ř' => plain.push('r'),
            'ś' | 'ş' | 'š' | 'ș' => plain.push('s'),
            'ť' | 'ţ' | 'ț' => plain.push('t'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' => plain.push('u'),
            'ý' | 'ÿ' => plain.push('y'),
            'ź' | 'ż' | 'ž' => plain.push('z'),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            other => plain.push(other),
        }
    }

    plain
}
