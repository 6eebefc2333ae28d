//! Letters that look alike, and characters that nobody sees.
//!
//! A word that is written with the letters of another script, in circles or with accents reads the
//! same to a person and differently to a program. The functions here tell how a person reads it.

/// Characters that take no place: they join what they stand between.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The letter a character is read as, small and Latin if there is such a one.
pub fn skeleton(c: char) -> impl Iterator<Item = char> {
    const ALIKE: [(&str, char); 25] = [
        ("аɑα", 'a'),
        ("ьвβ", 'b'),
        ("сϲ", 'c'),
        ("ԁ", 'd'),
        ("еёє℮ε", 'e'),
        ("ɡց", 'g'),
        ("һнⴙ", 'h'),
        ("іїιıӏ1", 'i'),
        ("ј", 'j'),
        ("кκ", 'k'),
        ("ⅼ", 'l'),
        ("мⅿ", 'm'),
        ("пոη", 'n'),
        ("оοσ0օ", 'o'),
        ("рρ", 'p'),
        ("ԛ", 'q'),
        ("гⲅ", 'r'),
        ("ѕ5ꜱ", 's'),
        ("тτ", 't'),
        ("սυ", 'u'),
        ("ѵν", 'v'),
        ("ԝω", 'w'),
        ("хχ", 'x'),
        ("уүγ", 'y'),
        ("ᴢ", 'z'),
    ];

    let c = styled(c);
    let small = c.to_lowercase().next().unwrap_or(c);
    let plain = unaccented(small);
    let alike = ALIKE.iter().find(|(forms, _)| forms.contains(plain)).map(|(_, letter)| *letter);
    std::iter::once(alike.unwrap_or(plain))
}

/// Letters of mathematics, in circles and of full width are letters.
fn styled(c: char) -> char {
    let code = u32::from(c);
    let letter = |offset: u32| {
        let base = if offset >= 26 { b'a' } else { b'A' };
        char::from(base + u8::try_from(offset % 26).unwrap_or_default())
    };
    match code {
        0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        0x1d400..=0x1d6a3 => letter((code - 0x1d400) % 52),
        0x24b6..=0x24e9 => letter(code - 0x24b6),
        0x1f130..=0x1f149 => letter(code - 0x1f130),
        0x1f150..=0x1f169 => letter(code - 0x1f150),
        0x1f170..=0x1f189 => letter(code - 0x1f170),
        _ => c,
    }
}

fn unaccented(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'į' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' => 'o',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ù'..='ü' | 'ū' | 'ů' => 'u',
        'ý' | 'ÿ' => 'y',
        'ť' | 'ţ' | 'ț' => 't',
        c => c,
    }
}

/// The text with look-alikes of Latin letters replaced in words that hold a Latin letter.
pub fn latin(text: &str) -> String {
    by_words(text, |word| {
        let holds = word.chars().any(|c| styled(c).is_ascii_alphabetic());
        holds.then(|| {
            word.chars()
                .flat_map(|c| {
                    if c.is_ascii() { Some(c).into_iter() } else { skeleton(c).next().into_iter() }
                })
                .collect()
        })
    })
}

/// The text with Latin look-alikes replaced in words that hold a Cyrillic letter.
pub fn cyrillic(text: &str) -> String {
    const ALIKE: [(char, char); 14] = [
        ('a', 'а'),
        ('b', 'в'),
        ('c', 'с'),
        ('e', 'е'),
        ('h', 'н'),
        ('k', 'к'),
        ('m', 'м'),
        ('o', 'о'),
        ('p', 'р'),
        ('t', 'т'),
        ('x', 'х'),
        ('y', 'у'),
        ('u', 'и'),
        ('n', 'п'),
    ];

    by_words(text, |word| {
        let holds = word.chars().any(|c| matches!(c, '\u{400}'..='\u{4ff}'));
        holds.then(|| {
            word.chars()
                .map(|c| {
                    let small = styled(c).to_ascii_lowercase();
                    ALIKE.iter().find(|(latin, _)| *latin == small).map_or(c, |(_, alike)| *alike)
                })
                .collect()
        })
    })
}

fn by_words(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(char::is_alphabetic) {
        let (before, word) = rest.split_at(begin);
        let end = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
        changed.push_str(before);
        match change(&word[..end]) {
            Some(word) => changed.push_str(&word),
            None => changed.push_str(&word[..end]),
        }
        rest = &word[end..];
    }
    changed.push_str(rest);
    changed
}
