//! The language a document is written in.

use whatlang::{Lang, detect as guess};

/// No more of a text than this is looked at, bytes.
const SAMPLE: usize = 16 * 1024;
/// Below this the guess is no better than the script of the letters.
const SURE: f64 = 0.6;
/// So long is a sentence, bytes.
const LONG: usize = 60;

/// The language of a text (ISO 639-1); empty where it cannot be told. A short text in Cyrillic
/// letters is taken for Russian, one in Latin letters for nothing in particular.
pub fn detect(text: &str) -> &'static str {
    let end = text.floor_char_boundary(SAMPLE.min(text.len()));
    let sample = &text[..end];
    let Some(found) = guess(sample) else { return "" };
    let sure = found.is_reliable() || found.confidence() >= SURE;
    match found.lang() {
        lang if sure => code(lang),
        // Its nearest relatives are rare in comparison, and their short texts look alike.
        Lang::Rus | Lang::Ukr | Lang::Bel | Lang::Bul | Lang::Srp | Lang::Mkd => "ru",
        // A sentence of their own length is told well enough, whatever resembles it.
        lang @ (Lang::Eng | Lang::Deu | Lang::Fra | Lang::Spa) if sample.len() >= LONG => {
            code(lang)
        }
        _ => "",
    }
}

/// The code of a language; empty for those that are mostly a wrong guess at this length.
const fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Ukr => "uk",
        Lang::Bel => "be",
        Lang::Bul => "bg",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Hrv => "hr",
        Lang::Slv => "sl",
        Lang::Ron => "ro",
        Lang::Hun => "hu",
        Lang::Tur => "tr",
        Lang::Aze => "az",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Est => "et",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Ell => "el",
        Lang::Heb => "he",
        Lang::Ara => "ar",
        Lang::Pes => "fa",
        Lang::Hin => "hi",
        Lang::Ben => "bn",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Tha => "th",
        Lang::Vie => "vi",
        Lang::Kat => "ka",
        Lang::Hye => "hy",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_languages_of_documents_are_told() {
        for (language, text) in [
            (
                "en",
                "A lamp can be returned within thirty days if it has not been used. Bulbs cannot be returned.",
            ),
            (
                "ru",
                "Лампу можно вернуть в течение тридцати дней, если она не использовалась. Лампочки возврату не подлежат.",
            ),
            (
                "de",
                "Eine Lampe kann innerhalb von dreißig Tagen zurückgegeben werden, wenn sie nicht benutzt wurde.",
            ),
            (
                "fr",
                "Une lampe peut être retournée dans les trente jours si elle n'a pas été utilisée par le client.",
            ),
            (
                "es",
                "La lámpara se puede devolver en un plazo de treinta días si no se ha utilizado nunca.",
            ),
            (
                "uk",
                "Лампу можна повернути протягом тридцяти днів, якщо вона не використовувалася. Її ціна є в чеку.",
            ),
            ("ru", "Доставка"),
            ("", "42"),
            ("", ""),
        ] {
            assert_eq!(detect(text), language, "{text}");
        }
    }
}
