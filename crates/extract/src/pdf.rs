//! The text of a PDF. Runs in a child process only: see [`super::isolated`].
//!
//! The interpreter of `hayro` draws each page onto [`ink::Ink`], which takes down the glyphs and
//! the lines between them; [`layout`] makes text of those.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, TransformExt,
    hayro_syntax::{DecryptionError, LoadPdfError, Pdf, page::Page},
    interpret_page,
    kurbo::Rect,
};
use replyx_core::knowledge::{DocumentKind, DocumentWarning, WarningCode, enumerated};

use self::{fonts::BoldGlyphs, form::Fields, ink::Ink};
use super::{
    Extracted, MAX_TEXT, Unreadable, is_readable,
    layout::{self, Glyph, Line, Sheet},
    thin,
    writer::one_line,
};

mod fonts;
mod form;
mod ink;
mod strings;

/// Pages beyond this are a hostile page tree, not a document that a business wrote.
const MAX_PAGES: usize = 5_000;

/// Reads all pages.
pub(super) fn read(bytes: Vec<u8>) -> Result<Extracted, Unreadable> {
    // Many PDFs are encrypted with an empty password, which is tried: anyone may read those.
    let pdf = Pdf::new(bytes).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Unreadable::Locked,
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Unreadable::Damaged,
    })?;
    let count = pdf.pages().len();
    if count == 0 {
        return Err(Unreadable::NoPages);
    }
    if count > MAX_PAGES {
        return Err(Unreadable::TooLong);
    }

    let mut reader = Reader::new(&pdf);
    let mut seen = SeenPages::default();
    let mut pages = Vec::with_capacity(count);
    for page in pdf.pages().iter() {
        let lines = reader.page(page, &mut seen);
        if reader.room == 0 {
            return Err(Unreadable::TooLong);
        }
        pages.push(lines);
    }

    let (text, pages, headings) = layout::write(pages);
    let scans = seen.scans();
    match is_readable(&text) {
        Err(Unreadable::Empty) if seen.broken().len() == count => return Err(Unreadable::Damaged),
        Err(Unreadable::Empty | Unreadable::NoText) => {
            return Err(Unreadable::NoTextLayer { pages: count });
        }
        Ok(()) if scans.len() == count => return Err(Unreadable::NoTextLayer { pages: count }),
        Err(other) => return Err(other),
        Ok(()) => {}
    }

    let mut warnings = seen.warnings(&scans);
    warnings.extend(unseen_values(reader.fields.count_unseen(&pdf)));
    Ok(Extracted { text, pages, headings, kind: DocumentKind::Pdf, title: title(&pdf), warnings })
}

/// Reads the pages of one document.
struct Reader<'a> {
    pdf: &'a Pdf,
    settings: InterpreterSettings,
    cache: InterpreterCache<'a>,
    bold: BoldGlyphs<'a>,
    fields: Fields,
    /// How many bytes of text may still come.
    room: usize,
}

impl<'a> Reader<'a> {
    fn new(pdf: &'a Pdf) -> Self {
        let settings = InterpreterSettings::default();
        Self {
            pdf,
            bold: BoldGlyphs::new(settings.clone()),
            settings,
            cache: InterpreterCache::new(),
            fields: Fields::default(),
            room: MAX_TEXT,
        }
    }

    fn page(&mut self, page: &'a Page<'a>, seen: &mut SeenPages) -> Vec<Line> {
        // One page that the interpreter stumbles over must not cost the others.
        let drawn = catch_unwind(AssertUnwindSafe(|| self.draw(page)));
        let Ok((sheet, about)) = drawn else {
            self.cache = InterpreterCache::new();
            seen.pages.push(About { is_broken: true, ..About::default() });
            return Vec::new();
        };

        seen.pages.push(about);
        layout::read(sheet)
    }

    /// Draws a page; what is seen only by machines counts where nothing else is seen.
    fn draw(&mut self, page: &'a Page<'a>) -> (Sheet, About) {
        self.bold.learn(page.resources());
        let (width, height) = page.render_dimensions();
        let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let transform = page.initial_transform(false).to_kurbo();
        let mut context =
            Context::new(transform, bounds, &self.cache, self.pdf.xref(), self.settings.clone());
        let mut ink = Ink::new(&self.bold, bounds, self.room);
        interpret_page(page, &mut context, &mut ink);

        if ink.is_full() {
            self.room = 0;
        }
        let Ink { mut glyphs, unseen, rules, has_scan, nameless, .. } = ink;
        let seen = letters(&glyphs);
        if (has_scan || thin::is_thin(seen)) && letters(&unseen) > seen {
            glyphs.extend(unseen);
        }
        form::add_missing(self.fields.of_page(page, transform), &mut glyphs);
        let size: usize = glyphs.iter().map(|glyph| glyph.text.len()).sum();
        self.room = self.room.saturating_sub(size);

        let about = About {
            letters: letters(&glyphs),
            nameless,
            has_scan,
            is_broken: glyphs.is_empty()
                && page.raw().contains_key(b"Contents".as_slice())
                && page.page_stream().is_none(),
        };
        (Sheet { glyphs, rules }, about)
    }
}

/// What there is to say about a page.
#[derive(Clone, Copy, Default)]
struct About {
    /// Letters and digits, those of running lines included.
    letters: usize,
    /// Glyphs that no table of the file gives a character for.
    nameless: usize,
    has_scan: bool,
    is_broken: bool,
}

impl About {
    /// Is the page a picture of a page? A number in the corner of a picture is no text.
    fn is_scan(self) -> bool {
        self.letters == 0 && self.nameless == 0 || thin::is_thin(self.letters) && self.has_scan
    }

    /// Is there hardly anything of what the page shows?
    fn is_thin(self) -> bool {
        !self.is_scan() && (thin::is_thin(self.letters) || self.nameless > self.letters)
    }
}

/// What there is to say about the pages read so far.
#[derive(Default)]
struct SeenPages {
    pages: Vec<About>,
}

impl SeenPages {
    /// The numbers of the pages, from 1, that meet a condition.
    fn numbers(&self, meets: impl Fn(About) -> bool) -> Vec<usize> {
        let numbered = self.pages.iter().zip(1..);
        numbered.filter(|(about, _)| meets(**about)).map(|(_, number)| number).collect()
    }

    fn broken(&self) -> Vec<usize> {
        self.numbers(|about| about.is_broken)
    }

    fn scans(&self) -> Vec<usize> {
        self.numbers(About::is_scan)
    }

    /// What the owner should know: pages without text, thin and damaged ones.
    fn warnings(&self, scans: &[usize]) -> Vec<DocumentWarning> {
        let broken = self.broken();
        let silent: Vec<usize> =
            scans.iter().copied().filter(|page| !broken.contains(page)).collect();
        let mut warnings = thin::warnings("page", &silent, &self.numbers(About::is_thin));
        if !broken.is_empty() {
            let detail = format!("damaged and left out: page {}", enumerated(&broken));
            warnings.push(DocumentWarning::pages(WarningCode::DamagedPages, &broken, detail));
        }
        warnings
    }
}

/// Says how many values of a form stand on no page.
fn unseen_values(count: usize) -> Option<DocumentWarning> {
    let values = if count == 1 { "value" } else { "values" };
    let detail = format!(
        "{count} {values} filled into form fields that no page shows are not read: print the form to a new PDF to \
         keep them"
    );
    (count > 0).then(|| DocumentWarning::count(WarningCode::FormValuesSkipped, count, detail))
}

/// How many letters and digits there are.
fn letters(glyphs: &[Glyph]) -> usize {
    let all = glyphs.iter().flat_map(|glyph| glyph.text.chars());
    all.filter(|c| c.is_alphanumeric()).count()
}

/// The title that its author gave it. Programs fill in the file's name where there is none.
fn title(pdf: &Pdf) -> Option<String> {
    let title = one_line(&strings::text(pdf.metadata().title.as_ref()?));
    let title = title.strip_prefix("Microsoft Word - ").unwrap_or(&title);
    let is_file = title.rsplit_once('.').is_some_and(|(_, extension)| {
        (2..=4).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let is_made_up = is_file
        || title.contains("://")
        || ["about:blank", "untitled"].contains(&title.to_lowercase().as_str());
    (!is_made_up && title.contains(char::is_alphabetic)).then(|| title.to_owned())
}
