//! Which glyphs are bold.
//!
//! The interpreter names a glyph's font where the font is a TrueType or composite one that the file
//! holds. All others, the standard fonts among them, are known by the glyphs that their
//! dictionaries select.

use std::collections::HashSet;

use hayro_font::{FontCache, FontGlyph};
use hayro_interpret::{
    InterpreterSettings,
    font::{Glyph, GlyphRun},
    hayro_syntax::{
        object::{Dict, Name, ObjectIdentifier, Stream},
        page::Resources,
    },
};

/// Forms inside forms are looked into this deep.
const DEEPEST: usize = 6;
/// Most dictionaries that are looked at; a hostile file may hold any number.
const MOST: usize = 2_000;

/// The bold glyphs of a document's simple fonts.
pub(super) struct BoldGlyphs<'a> {
    fonts: FontCache<'a>,
    settings: InterpreterSettings,
    glyphs: HashSet<u128>,
    seen: HashSet<ObjectIdentifier>,
}

impl<'a> BoldGlyphs<'a> {
    pub(super) fn new(settings: InterpreterSettings) -> Self {
        Self { fonts: FontCache::new(), settings, glyphs: HashSet::new(), seen: HashSet::new() }
    }

    /// Learns the bold fonts that a page may use.
    pub(super) fn learn(&mut self, resources: &Resources<'a>) {
        self.learn_from(&resources.fonts, &resources.x_objects, 0);
    }

    fn learn_from(&mut self, fonts: &Dict<'a>, forms: &Dict<'a>, depth: usize) {
        for name in fonts.keys() {
            if let Some(font) = fonts.get::<Dict<'a>>(name.as_ref())
                && self.is_new(&font)
                && is_bold_name(&font)
            {
                self.learn_font(&font);
            }
        }

        if depth == DEEPEST {
            return;
        }

        for name in forms.keys() {
            let Some(form) = forms.get::<Stream<'a>>(name.as_ref()) else { continue };
            let form = form.dict();
            if self.is_new(form)
                && let Some(own) = form.get::<Dict<'a>>(b"Resources".as_slice())
            {
                let own = Resources::new(own);
                self.learn_from(&own.fonts, &own.x_objects, depth + 1);
            }
        }
    }

    /// Was a dictionary not looked at before? One that stands inside another is always new.
    fn is_new(&mut self, dict: &Dict<'_>) -> bool {
        self.seen.len() < MOST && dict.obj_id().is_none_or(|id| self.seen.insert(id))
    }

    fn learn_font(&mut self, dict: &Dict<'a>) {
        let subtype = dict.get::<Name<'_>>(b"Subtype".as_slice());
        let is_simple = subtype
            .is_some_and(|kind| [b"Type1".as_slice(), b"MMType1", b"TrueType"].contains(&&*kind));
        if !is_simple {
            return;
        }

        let font =
            self.fonts.font(dict, &self.settings.font_resolver, &self.settings.cmap_resolver);
        let Some(font) = font else { return };
        for code in 0..=255 {
            if let FontGlyph::Outline(glyph) = font.glyph(font.map_code(code), code) {
                self.glyphs.insert(glyph.identifier().cache_key());
            }
        }
    }

    /// Is a run bold? All its glyphs are of one font.
    pub(super) fn is_bold(&self, run: &GlyphRun<'_, '_>) -> bool {
        let Some(Glyph::Outline(first)) = run.glyphs().first().map(|glyph| &**glyph) else {
            return false;
        };
        if let Some(font) = first.font_data() {
            return font.weight.is_some_and(|weight| weight >= 600)
                || font.postscript_name.is_some_and(|name| says_bold(&name));
        }

        !self.glyphs.is_empty()
            && run.glyphs().iter().all(|glyph| match &**glyph {
                Glyph::Outline(glyph) => self.glyphs.contains(&glyph.identifier().cache_key()),
                Glyph::Type3(_) => false,
            })
    }
}

fn is_bold_name(font: &Dict<'_>) -> bool {
    font.get::<Name<'_>>(b"BaseFont".as_slice()).is_some_and(|name| says_bold(name.as_str()))
}

fn says_bold(name: &str) -> bool {
    let name = name.to_lowercase();
    ["bold", "black", "heavy", "demi"].iter().any(|word| name.contains(word))
}
