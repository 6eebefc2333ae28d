//! How many fields of a form somebody has filled in.

use std::collections::HashMap;

use pdf_oxide::{PdfDocument, object::Object};

/// Most fields that are looked at; a form's tree may be hostile.
const FIELDS: usize = 5_000;

/// The fields of a PDF's form that hold a value.
pub(super) fn filled(document: &PdfDocument) -> usize {
    let fields = (|| {
        let catalog = document.catalog().ok()?;
        let form = resolved(document, catalog.as_dict()?.get("AcroForm")?)?;
        Some(resolved(document, form.as_dict()?.get("Fields")?)?.as_array()?.clone())
    })();
    let mut open = fields.unwrap_or_default();
    let mut looked_at = 0;
    let mut filled = 0;
    while let Some(field) = open.pop() {
        looked_at += 1;
        if looked_at > FIELDS {
            break;
        }
        let Some(field) = resolved(document, &field) else { continue };
        let Some(field) = field.as_dict() else { continue };
        filled += usize::from(has_value(document, field));
        let kids = field.get("Kids").and_then(|kids| resolved(document, kids));
        let room = FIELDS.saturating_sub(open.len());
        open.extend(kids.iter().filter_map(Object::as_array).flatten().take(room).cloned());
    }
    filled
}

fn has_value(document: &PdfDocument, field: &HashMap<String, Object>) -> bool {
    match field.get("V").and_then(|value| resolved(document, value)) {
        Some(Object::String(text)) => text.iter().any(u8::is_ascii_graphic) || text.len() > 2,
        Some(Object::Name(choice)) => choice != "Off" && !choice.is_empty(),
        Some(Object::Array(chosen)) => !chosen.is_empty(),
        _ => false,
    }
}

fn resolved(document: &PdfDocument, object: &Object) -> Option<Object> {
    match object {
        Object::Reference(at) => document.load_object(*at).ok(),
        direct => Some(direct.clone()),
    }
}
