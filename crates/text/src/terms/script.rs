//! In which letters a text is written.

/// Where the scripts begin that differ in kind: Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic,
/// and all beyond.
const BEGINNINGS: [u32; 6] = [0x370, 0x400, 0x530, 0x590, 0x600, 0x780];

/// Are most letters of the one text of another script than most of the other's? A text without
/// letters is of none.
pub fn differ_in_script(one: &str, other: &str) -> bool {
    main(one).zip(main(other)).is_some_and(|(one, other)| one != other)
}

fn main(text: &str) -> Option<usize> {
    let mut letters = [0_usize; BEGINNINGS.len() + 1];
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters[BEGINNINGS.partition_point(|begin| *begin <= u32::from(c))] += 1;
    }
    let most = letters.iter().max().filter(|most| **most > 0)?;
    letters.iter().position(|count| count == most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_different_letters_are_told_apart() {
        for (one, other, differ) in [
            ("Do you treat children?", "Да, с трёх лет.", true),
            ("Есть ли у вас PayPal?", "Оплата картой Visa", false),
            ("Есть ли у вас PayPal?", "We take PayPal", true),
            ("Où est mon colis ?", "Wo ist mein Päckchen?", false),
            ("Πού είστε;", "Where are you?", true),
            ("営業時間は？", "We open at nine.", true),
            ("2026-11-23, 24 €", "Да, с трёх лет.", false),
            ("", "", false),
        ] {
            assert_eq!(differ_in_script(one, other), differ, "{one} / {other}");
        }
    }
}
