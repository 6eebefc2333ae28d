//! Rich Text Format: a stream of groups, control words and bytes.
//!
//! [`tokens`] cuts it into pieces, [`tables`] knows fonts and styles, [`words`] what words
//! stand for, [`body`] follows the groups and writes blocks.

use replyx_core::knowledge::DocumentKind;

use super::{Extracted, Unreadable, writer::Writer};

mod body;
mod tables;
mod tokens;
mod words;

/// Groups inside one another; programs nest some tens.
const MAX_DEPTH: usize = 500;

/// Reads a document.
pub(super) fn rtf(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let begin = bytes.trim_ascii_start();
    if !begin.starts_with(b"{\\rtf") {
        return Err(Unreadable::Damaged);
    }
    let mut writer = Writer::new(DocumentKind::Rtf);
    body::read(begin, &mut writer)?;
    writer.finish().map_err(|why| if why == Unreadable::Empty { Unreadable::NoText } else { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str) -> String {
        rtf(document.as_bytes()).unwrap().text
    }

    #[test]
    fn letters_come_from_code_pages_fonts_and_unicode() {
        assert_eq!(text(r"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}"), "Привет");
        assert_eq!(
            text(
                r"{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}\f1 \'cf\'f0\f0  caf\'e9}"
            ),
            "Пр café"
        );
        assert_eq!(text(r"{\rtf1\ansicpg20866 \'f0\'d2}"), "Пр");
        assert_eq!(
            text(r"{\rtf1\uc1\u1055?\u1088\'f0 {\uc0\u-10179\u-8704 x} \u8212-}"),
            "Пр 😀x —"
        );
        assert_eq!(text(r"{\rtf1\uc1 a\u-10179?b\u-8704?c \emdash\~d\_e}"), "abc — d-e");
    }

    #[test]
    fn what_is_not_text_is_left_out() {
        let document = r"{\rtf1{\*\generator X}{\info{\title Shop rules}{\author Me}}{\header Page}
{\colortbl;\red0;}{\pict 89504e47}A\v hidden\v0  b{\footnote\pard Note.}c{\deleted gone}.\par}";
        let found = rtf(document.as_bytes()).unwrap();
        assert_eq!(found.text, "A bc.\n\nNote.");
        assert_eq!(found.title.as_deref(), Some("Shop rules"));
    }

    #[test]
    fn headings_lists_tables_and_links_are_kept() {
        let document = r#"{\rtf1{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s5\sbasedon0 \u1047?\u1072?\u1075?\u1086?\u1083?\u1086?\u1074?\u1086?\u1082? 2;}}
\pard\s1 Prices\par\pard\s5 City\par\pard{\listtext\pard 1.\tab}\ilvl0 one\par{\listtext \u8226?\tab}\ilvl1 two\par
\pard\intbl Zone\cell Price\cell\row\intbl City\par centre\cell 290\cell\row
\pard See {\field{\*\fldinst{HYPERLINK "https://example.com/" }}{\fldrslt{the site}}}.\par}"#;
        let found = rtf(document.as_bytes()).unwrap();
        assert_eq!(
            found.text,
            "Prices\n\nCity\n\n1. one\n  - two\n\nZone | Price\n--- | ---\nCity centre | 290\n\nSee the site (https://example.com/)."
        );
        let levels: Vec<u8> = found.headings.iter().map(|heading| heading.level).collect();
        assert_eq!(levels, [1, 2]);
    }

    #[test]
    fn broken_and_hostile_documents_end_in_a_sentence() {
        let nested = format!("{{\\rtf1{}", "{".repeat(100_000));
        assert_eq!(rtf(nested.as_bytes()), Err(Unreadable::TooComplex));
        assert_eq!(rtf(b"{\\rtf1}}}}}"), Err(Unreadable::NoText));
        assert_eq!(text(r"{\rtf1 a\u99999999999999?b\bin999999 "), "ab");
        assert_eq!(rtf(b"plain"), Err(Unreadable::Damaged));
    }
}
