//! What the head of a document defines: fonts and their encodings, styles and their levels.

use std::collections::HashMap;

use encoding_rs::Encoding;

/// More fonts or styles than this are not kept.
const MAX_ENTRIES: usize = 10_000;

/// Fonts and styles.
pub(super) struct Tables {
    fonts: HashMap<i32, &'static Encoding>,
    styles: HashMap<i32, u8>,
    default: &'static Encoding,
}

impl Tables {
    pub(super) fn new() -> Self {
        let default = encoding_rs::WINDOWS_1252;
        Self { fonts: HashMap::new(), styles: HashMap::new(), default }
    }

    /// `\ansicpg`.
    pub(super) fn set_default(&mut self, page: i32) {
        self.default = code_page(page).unwrap_or(self.default);
    }

    /// `\fcharset` or `\cpg` of a font.
    pub(super) fn set_font(&mut self, font: i32, encoding: &'static Encoding) {
        if self.fonts.len() < MAX_ENTRIES {
            self.fonts.insert(font, encoding);
        }
    }

    /// The encoding of a run in this font.
    pub(super) fn encoding(&self, font: Option<i32>) -> &'static Encoding {
        font.and_then(|font| self.fonts.get(&font)).copied().unwrap_or(self.default)
    }

    /// A style: its outline level from 0, or a name that tells one.
    pub(super) fn set_style(&mut self, style: i32, outline: Option<i32>, name: &str) {
        let level = outline
            .filter(|level| (0..9).contains(level))
            .and_then(|level| u8::try_from(level + 1).ok())
            .or_else(|| named_level(name));
        if let Some(level) = level
            && self.styles.len() < MAX_ENTRIES
        {
            self.styles.insert(style, level);
        }
    }

    /// How deep a heading the style is, from 1.
    pub(super) fn level(&self, style: i32) -> Option<u8> {
        self.styles.get(&style).copied()
    }
}

/// `heading 2` in the languages of word processors.
fn named_level(name: &str) -> Option<u8> {
    const NAMES: [&str; 8] =
        ["heading", "заголовок", "überschrift", "titre", "título", "titolo", "nagłówek", "kop"];
    let name = name.trim().trim_end_matches(';').to_lowercase();
    if ["title", "заглавие", "название"].contains(&name.as_str()) {
        return Some(1);
    }
    let rest = NAMES.iter().find_map(|known| name.strip_prefix(known))?;
    rest.trim().parse().ok().filter(|level| (1..=9).contains(level))
}

/// The encoding of a Windows code page.
pub(super) fn code_page(page: i32) -> Option<&'static Encoding> {
    match page {
        866 => Some(encoding_rs::IBM866),
        874 => Some(encoding_rs::WINDOWS_874),
        932 => Some(encoding_rs::SHIFT_JIS),
        936 => Some(encoding_rs::GBK),
        949 => Some(encoding_rs::EUC_KR),
        950 => Some(encoding_rs::BIG5),
        1250..=1258 => Encoding::for_label(format!("windows-{page}").as_bytes()),
        10000 => Some(encoding_rs::MACINTOSH),
        10007 => Some(encoding_rs::X_MAC_CYRILLIC),
        20866 => Some(encoding_rs::KOI8_R),
        21866 => Some(encoding_rs::KOI8_U),
        65001 => Some(encoding_rs::UTF_8),
        _ => None,
    }
}

/// The encoding of a font's character set; the sets that follow the document's have none of their
/// own.
pub(super) fn charset(set: i32) -> Option<&'static Encoding> {
    code_page(match set {
        77 => 10000,
        89 => 10007,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}
