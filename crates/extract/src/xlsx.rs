//! Workbooks: Microsoft Excel, since 2007 and before, and `OpenDocument`.
//!
//! [`xlsx`] is the way in. A sheet is a page that begins with its name as a heading; hidden sheets,
//! columns and rows, struck-out cells, empty rows and empty columns are left out. [`sheet`] holds
//! the cells of one sheet, [`excel`], [`xls`] and [`ods`] fill it, [`format`] writes numbers as
//! their cells show them, [`formula`] calculates what nobody has yet.

use replyx_core::knowledge::{DocumentKind, DocumentWarning, WarningCode};

use super::{
    Extracted, Unreadable,
    package::{Package, is_compound},
    writer::{Writer, one_line},
};

mod excel;
mod format;
mod formula;
mod looks;
mod ods;
mod sheet;
mod value;
mod xls;

pub(super) use value::decimal;

/// Reads a workbook.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no workbook, damaged, locked or too large.
pub(super) fn xlsx(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut writer = Writer::new(DocumentKind::Xlsx);
    let package = match Package::open(bytes) {
        // A compound file that is not an encrypted document is a workbook of the time before.
        Err(Unreadable::Damaged) if is_compound(bytes) => {
            xls::read(bytes, &mut writer)?;
            return writer.finish();
        }
        other => other?,
    };
    if package.has("content.xml") {
        ods::read(package, &mut writer)?;
    } else {
        excel::read(package, &mut writer)?;
    }
    writer.finish()
}

/// Tells the owner of sheets that are left out.
fn warn_hidden(names: Vec<String>, writer: &mut Writer) {
    if names.is_empty() {
        return;
    }
    let sheets = if names.len() == 1 { "a hidden sheet is" } else { "hidden sheets are" };
    let detail = format!("{sheets} left out: {}", listed(&names));
    writer.warn(DocumentWarning::names(WarningCode::HiddenSheets, names, detail));
}

/// Some names in a sentence.
fn listed(names: &[String]) -> String {
    /// So many are told.
    const TOLD: usize = 5;
    let told: Vec<String> =
        names.iter().take(TOLD).map(|name| format!("`{}`", one_line(name))).collect();
    let more = if names.len() > TOLD { " and others" } else { "" };
    format!("{}{more}", told.join(", "))
}
