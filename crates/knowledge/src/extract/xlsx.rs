//! Workbooks: Microsoft Excel since 2007 and `OpenDocument`.
//!
//! [`xlsx`] is the way in. A sheet is a page that begins with its name as a heading; hidden sheets, empty rows and empty columns
//! are left out. [`sheet`] holds the cells of one sheet, [`excel`] and [`ods`] fill it, [`value`] writes cells down.

use replyx_core::knowledge::DocumentKind;

use super::{Extracted, Unreadable, package::Package, writer::Writer};

mod excel;
mod ods;
mod sheet;
mod value;

/// Reads a workbook.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no workbook, damaged, locked or too large.
pub(super) fn xlsx(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let package = Package::open(bytes)?;
    let mut writer = Writer::new(DocumentKind::Xlsx);
    if package.has("content.xml") {
        ods::read(package, &mut writer)?;
    } else {
        excel::read(package, bytes, &mut writer)?;
    }
    writer.finish()
}
