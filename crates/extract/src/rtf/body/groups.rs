//! Groups that are something else than the document's running text: fonts, titles, marks, links,
//! notes.

use super::{
    super::{super::writer::one_line, words::link},
    Body, Part,
};

/// Most footnotes.
const MAX_NOTES: usize = 10_000;
/// Groups whose text is not part of the document.
const SKIPPED: [&str; 27] = [
    "colortbl",
    "pict",
    "objdata",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "annotation",
    "atnid",
    "atnauthor",
    "xe",
    "tc",
    "rxe",
    "txe",
    "sp",
    "ftnsep",
    "ftnsepc",
    "author",
    "operator",
    "company",
    "comment",
    "filetbl",
    "revtbl",
];

impl Body<'_> {
    /// Does the word say what the group that just began is?
    pub(super) fn begin_part(&mut self, word: &str, optional: bool) -> bool {
        let part = match word {
            "fonttbl" => Part::Fonts,
            "stylesheet" => Part::Styles,
            "info" => Part::Info,
            "title" if self.state.part == Part::Info => Part::Title,
            "listtext" | "pntext" => Part::Mark,
            "fldinst" => Part::Instruction,
            "fldrslt" => Part::Result,
            "footnote" if self.notes.len() < MAX_NOTES && self.state.part != Part::Note => {
                Part::Note
            }
            "shpinst" | "shptxt" | "nesttableprops" if !optional || word == "shpinst" => {
                return true;
            }
            // Styles of characters and sections are not of paragraphs.
            "cs" | "ds" | "ts" if optional && self.state.part == Part::Styles => return false,
            word if optional || SKIPPED.contains(&word) => Part::Skipped,
            _ => return false,
        };
        self.state.part = part;
        self.state.begins = true;
        match part {
            Part::Title | Part::Mark | Part::Instruction | Part::Styles => self.aside.clear(),
            Part::Result => self.results.push(self.text.len()),
            Part::Note => self.around_note.push(std::mem::take(&mut self.text)),
            _ => {}
        }
        true
    }

    pub(super) fn close(&mut self) {
        let closed = match self.outer.pop() {
            Some(outer) => std::mem::replace(&mut self.state, outer),
            None => return,
        };
        self.optional = false;
        if closed.part == Part::Styles && !closed.begins {
            self.end_style();
        }
        if !closed.begins {
            return;
        }
        match closed.part {
            Part::Title => self.writer.title(&self.aside),
            Part::Mark => self.mark = Some(one_line(&self.aside)),
            Part::Instruction => self.link = link(&self.aside),
            Part::Result => self.end_result(),
            Part::Note => {
                let around = self.around_note.pop().unwrap_or_default();
                self.notes.push(std::mem::replace(&mut self.text, around));
            }
            _ => {}
        }
    }

    pub(super) fn end_style(&mut self) {
        let (style, outline) = std::mem::take(&mut self.entry);
        let name = std::mem::take(&mut self.aside);
        if !name.trim().is_empty() {
            // The style without a number is the first one.
            self.tables.set_style(style.unwrap_or(0), outline, &name);
        }
    }

    fn end_result(&mut self) {
        let Some(start) = self.results.pop() else { return };
        let Some((link, text)) = self.link.take().zip(self.text.get(start..)) else { return };
        let address = match link.strip_prefix("mailto:") {
            Some(address) => address.split('?').next().unwrap_or_default(),
            None => &link,
        };
        if text.contains(char::is_alphanumeric) && !text.contains(address.trim_end_matches('/')) {
            let address = format!(" ({address})");
            self.text.push_str(&address);
        }
    }
}
