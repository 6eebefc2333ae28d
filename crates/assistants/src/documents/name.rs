//! The name of a document: its sender's claim, cut down to what is safe to show.

/// The longest name, characters.
const LONGEST: usize = 255;

/// The name of a file that came without one.
const NAMELESS: &str = "document";

/// The last component of a path of any system, without control characters, at most 255 characters.
/// `document` when nothing is left of it.
pub fn clean(claimed: &str) -> String {
    let last = claimed.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !c.is_control()).collect();
    let name: String = visible.trim().chars().take(LONGEST).collect();
    if matches!(name.trim_end(), "" | "." | "..") { NAMELESS.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_component_of_a_path_is_kept() {
        for (claimed, kept) in [
            ("delivery.md", "delivery.md"),
            ("../../etc/passwd", "passwd"),
            ("C:\\fakepath\\Доставка и оплата.pdf", "Доставка и оплата.pdf"),
            ("a/b\\c.txt", "c.txt"),
            ("  padded.txt ", "padded.txt"),
            ("two\r\nlines\0.txt", "twolines.txt"),
            ("\u{9b}31mred.txt", "31mred.txt"),
        ] {
            assert_eq!(clean(claimed), kept, "{claimed:?}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_replaced() {
        for claimed in ["", " ", ".", "..", "folder/", "a/..", "\0\n", "\u{7f}.\t"] {
            assert_eq!(clean(claimed), NAMELESS, "{claimed:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = clean(&"ё".repeat(1000));
        assert_eq!(name.chars().count(), LONGEST);
        assert!(name.chars().all(|c| c == 'ё'));
    }
}
