//! Forms: what was filled into their fields.
//!
//! A field's appearance is drawn like everything else. Where the file has none, the value is put
//! where the field is; a value whose field no page shows is counted for the owner.

use std::collections::HashSet;

use hayro_interpret::{
    RectExt,
    hayro_syntax::{
        Pdf,
        object::{Array, Dict, Name, Object, ObjectIdentifier, Rect, String as PdfString},
        page::Page,
    },
    kurbo::Affine,
};

use super::{
    super::{layout::Glyph, writer::one_line},
    strings,
};

/// Most fields that are looked at; a form's tree may be hostile.
const FIELDS: usize = 5_000;
/// How far up a field may inherit its value from.
const PARENTS: usize = 16;
/// Annotations that are not shown: hidden, or not on the screen.
const HIDDEN: u32 = 1 << 1 | 1 << 5;

/// The fields that the pages show.
#[derive(Default)]
pub(super) struct Fields {
    shown: HashSet<ObjectIdentifier>,
}

/// A field on a page that holds a value.
pub(super) struct Filled {
    place: hayro_interpret::kurbo::Rect,
    text: String,
}

impl Fields {
    /// The filled fields of a page.
    pub(super) fn of_page(&mut self, page: &Page<'_>, transform: Affine) -> Vec<Filled> {
        let mut filled = Vec::new();
        let annotations = page.raw().get::<Array<'_>>(b"Annots".as_slice()).unwrap_or_default();
        for widget in annotations.iter::<Dict<'_>>().take(FIELDS) {
            let is_widget = widget
                .get::<Name<'_>>(b"Subtype".as_slice())
                .is_some_and(|kind| &*kind == b"Widget");
            if !is_widget || widget.get::<u32>(b"F".as_slice()).unwrap_or(0) & HIDDEN != 0 {
                continue;
            }
            self.shown.extend(widget.obj_id());
            if let Some(parent) = widget.get_ref(b"Parent".as_slice()) {
                self.shown.insert(parent.into());
            }

            let place = widget.get::<Rect>(b"Rect".as_slice());
            if let (Some(place), Some(text)) = (place, inherited_value(&widget)) {
                let place = transform.transform_rect_bbox(place.to_kurbo());
                filled.push(Filled { place, text });
            }
        }

        filled
    }

    /// How many values no page shows.
    pub(super) fn count_unseen(&self, pdf: &Pdf) -> usize {
        let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
        let fields = catalog
            .and_then(|catalog| catalog.get::<Dict<'_>>(b"AcroForm".as_slice()))
            .and_then(|form| form.get::<Array<'_>>(b"Fields".as_slice()));
        let mut open: Vec<Dict<'_>> =
            fields.iter().flat_map(Array::iter::<Dict<'_>>).take(FIELDS).collect();
        let mut looked_at = 0;
        let mut unseen = 0;
        while let Some(field) = open.pop() {
            looked_at += 1;
            if looked_at > FIELDS {
                break;
            }

            let is_shown = field.obj_id().is_some_and(|id| self.shown.contains(&id));
            unseen += usize::from(!is_shown && has_value(&field));
            if let Some(kids) = field.get::<Array<'_>>(b"Kids".as_slice()) {
                let room = FIELDS.saturating_sub(open.len());
                open.extend(kids.iter::<Dict<'_>>().take(room));
            }
        }

        unseen
    }
}

/// Adds the values of fields in whose place nothing is written.
pub(super) fn add_missing(filled: Vec<Filled>, glyphs: &mut Vec<Glyph>) {
    for Filled { place, text } in filled {
        let is_drawn = glyphs.iter().any(|glyph| {
            place.contains((f64::from(glyph.x + glyph.width / 2.0), f64::from(glyph.y)))
                && glyph.text.contains(char::is_alphanumeric)
        });
        if !is_drawn {
            glyphs.push(written(place, text));
        }
    }
}

/// A value as if it were written into its field.
#[expect(clippy::cast_possible_truncation, reason = "places on a page")]
fn written(place: hayro_interpret::kurbo::Rect, text: String) -> Glyph {
    let size = (place.height() * 0.7).clamp(4.0, 12.0);
    Glyph {
        x: place.x0 as f32,
        y: (place.y1 - place.height() / 2.0 - size * 0.35) as f32,
        width: place.width() as f32,
        size: size as f32,
        bold: false,
        turn: 0,
        text,
    }
}

/// The value of a text or choice field, which may be its parent's.
fn inherited_value(widget: &Dict<'_>) -> Option<String> {
    let mut field = widget.clone();
    for _ in 0..PARENTS {
        if let Some(value) = field.get::<Object<'_>>(b"V".as_slice()) {
            return shown_value(value);
        }
        field = field.get::<Dict<'_>>(b"Parent".as_slice())?;
    }
    None
}

/// What a value says; the state of a button says nothing without its picture.
fn shown_value(value: Object<'_>) -> Option<String> {
    let text = match value {
        Object::String(text) => strings::text(&text),
        Object::Array(chosen) => {
            let chosen: Vec<String> =
                chosen.iter::<PdfString<'_>>().map(|text| strings::text(&text)).collect();
            chosen.join(", ")
        }
        _ => return None,
    };
    let text = one_line(&text);
    (!text.is_empty()).then_some(text)
}

fn has_value(field: &Dict<'_>) -> bool {
    match field.get::<Object<'_>>(b"V".as_slice()) {
        Some(Object::Name(choice)) => !choice.is_empty() && &*choice != b"Off",
        Some(value) => shown_value(value).is_some(),
        None => false,
    }
}
