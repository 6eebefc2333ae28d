//! Words that carry grammar rather than meaning, by language: folded, without diacritics of Latin
//! letters, sorted for binary search.

/// The stop words of a language (ISO 639-1); none of one we have no list of.
pub(super) fn of(language: &str) -> &'static [&'static str] {
    match language {
        "en" => ENGLISH,
        "ru" => RUSSIAN,
        "de" => GERMAN,
        "fr" => FRENCH,
        "es" => SPANISH,
        _ => &[],
    }
}

#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "d", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "here",
    "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "ll", "m", "may", "me",
    "might", "my", "no", "not", "of", "on", "or", "our", "please", "re", "s", "shall", "she",
    "should", "so", "some", "t", "tell", "than", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "those", "to", "us", "ve", "was", "we", "were", "what", "when",
    "where", "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
];

#[rustfmt::skip]
const RUSSIAN: &[&str] = &[
    "а", "без", "бы", "был", "была", "были", "было", "быть", "в", "вам", "вас", "ваш", "ваша",
    "ваше", "ваши", "во", "вот", "все", "вы", "где", "да", "для", "до", "его", "ее", "если",
    "есть", "еще", "же", "за", "здесь", "и", "из", "или", "им", "их", "к", "как", "какая",
    "какие", "каким", "каких", "какого", "какое", "какой", "какую", "ко", "когда", "кто", "ли",
    "либо", "меня", "мне", "мой", "мы", "на", "над", "нам", "нас", "наш", "не", "него", "нее",
    "нет", "ни", "них", "но", "о", "об", "он", "она", "они", "оно", "от", "по", "под",
    "пожалуйста", "при", "про", "с", "свой", "себя", "со", "так", "также", "такой", "там", "те",
    "тем", "то", "того", "тоже", "той", "только", "том", "тот", "ту", "ты", "у", "уже", "чего",
    "чем", "что", "чтобы", "эта", "эти", "это", "этого", "этой", "этом", "этот", "эту", "я",
];

#[rustfmt::skip]
const GERMAN: &[&str] = &[
    "aber", "alle", "als", "also", "am", "an", "auch", "auf", "aus", "bei", "beim", "bin", "bis",
    "bist", "bitte", "da", "damit", "dann", "das", "dass", "dein", "deine", "dem", "den", "der",
    "des", "die", "dies", "diese", "diesem", "diesen", "dieser", "dieses", "doch", "dort", "du",
    "durch", "ein", "eine", "einem", "einen", "einer", "eines", "er", "es", "euch", "euer",
    "eure", "fur", "hab", "habe", "haben", "hat", "hatte", "hier", "ich", "ihr", "ihre", "ihrem",
    "ihren", "ihrer", "im", "in", "ins", "ist", "ja", "kann", "kannst", "kein", "keine", "keinen",
    "konnen", "konnte", "man", "mein", "meine", "meinem", "meinen", "meiner", "mich", "mir",
    "mit", "muss", "nach", "nicht", "noch", "nun", "nur", "ob", "oder", "ohne", "sein", "seine",
    "sich", "sie", "sind", "so", "soll", "uber", "um", "und", "uns", "unser", "unsere", "unter",
    "vom", "von", "vor", "wann", "war", "waren", "warum", "was", "welche", "welchem", "welchen",
    "welcher", "welches", "wenn", "wer", "werde", "werden", "wie", "wir", "wird", "wo", "wurde",
    "zu", "zum", "zur",
];

#[rustfmt::skip]
const FRENCH: &[&str] = &[
    "a", "ai", "as", "au", "aux", "avec", "avez", "avoir", "avons", "c", "ce", "ces", "cet",
    "cette", "ceux", "comment", "d", "dans", "de", "des", "dois", "doit", "donc", "du", "elle",
    "elles", "en", "es", "est", "et", "etaient", "etait", "ete", "etes", "etre", "eux", "il",
    "ils", "j", "je", "l", "la", "le", "les", "leur", "leurs", "lui", "m", "ma", "mais", "me",
    "mes", "moi", "mon", "n", "ne", "nos", "notre", "nous", "on", "ont", "ou", "par", "pas",
    "pendant", "peut", "peuvent", "peux", "plus", "pour", "pourquoi", "puis", "qu", "quand",
    "que", "quel", "quelle", "quelles", "quels", "qui", "quoi", "s", "sa", "sans", "se", "sera",
    "ses", "si", "son", "sont", "sous", "suis", "sur", "svp", "t", "ta", "te", "tes", "toi",
    "ton", "tu", "un", "une", "va", "vos", "votre", "vous", "y",
];

#[rustfmt::skip]
const SPANISH: &[&str] = &[
    "a", "al", "algo", "como", "con", "cual", "cuales", "cuando", "cuanto", "de", "debe", "debo",
    "del", "desde", "donde", "dos", "el", "ella", "ellas", "ellos", "en", "entre", "era", "es",
    "esa", "ese", "eso", "esta", "estan", "estar", "estas", "este", "esto", "estos", "fue", "ha",
    "hace", "hacer", "han", "hasta", "hay", "he", "la", "las", "le", "les", "lo", "los", "mas",
    "me", "mi", "mis", "muy", "nada", "ni", "no", "nos", "nosotros", "o", "os", "para", "pero",
    "por", "porque", "puede", "pueden", "puedo", "que", "quien", "quienes", "se", "sea", "ser",
    "si", "sin", "sobre", "son", "soy", "su", "sus", "tambien", "te", "tengo", "tiene", "tienen",
    "tu", "tus", "un", "una", "uno", "unos", "usted", "ustedes", "y", "ya", "yo",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_binary_search() {
        for language in ["en", "ru", "de", "fr", "es"] {
            assert!(of(language).is_sorted() && !of(language).is_empty(), "{language}");
        }
        assert!(of("it").is_empty());
    }
}
