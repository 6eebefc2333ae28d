//! Microsoft Excel before 2007.

use std::{io::Cursor, panic::catch_unwind};

use calamine::{Data, DataRef, Reader, SheetType, SheetVisible, Xls, XlsError};

use super::{
    super::{Unreadable, html, writer::Writer},
    format::Format,
    sheet::{Allowance, Sheet},
    value::{Epoch, iso, serial},
    warn_hidden,
};

mod records;

use records::Book;

/// Reads the visible sheets of a compound file.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no workbook, damaged, locked or too large.
pub(super) fn read(bytes: &[u8], writer: &mut Writer) -> Result<(), Unreadable> {
    let mut workbook = open(bytes.to_vec())?;
    if let Ok(properties) = workbook.workbook_properties()
        && let Some(title) = properties.title
    {
        writer.title(&title);
    }
    let sheets = workbook.sheets_metadata().to_vec();
    let (shown, hidden): (Vec<_>, Vec<_>) = sheets
        .into_iter()
        .enumerate()
        .filter(|(_, sheet)| sheet.typ == SheetType::WorkSheet)
        .partition(|(_, sheet)| sheet.visible == SheetVisible::Visible);
    if shown.is_empty() && hidden.is_empty() {
        return Err(Unreadable::Damaged);
    }

    let book = Book::read(bytes);
    let mut allowance = Allowance::default();
    for (number, name) in shown.into_iter().map(|(number, sheet)| (number, sheet.name)) {
        let range = workbook.worksheet_range(&name).map_err(|error| unreadable(&error))?;
        let (top, left) = range.start().unwrap_or_default();
        let mut sheet = Sheet::default();
        for (row, column, value) in range.used_cells() {
            let place = (at(top, row)?, at(left, column)?);
            let look = book.look(number, place);
            if look.is_struck {
                continue;
            }
            let text = said(&cell(value), &look.format);
            let text = html::value(&text).unwrap_or(text);
            sheet.set(place, &text, &mut allowance)?;
        }
        book.mark(number, &mut sheet);
        sheet.write(&name, writer)?;
    }
    warn_hidden(hidden.into_iter().map(|(_, sheet)| sheet.name).collect(), writer);
    Ok(())
}

/// A cell as a reader sees it: numbers in their format, dates as ISO 8601. An error says nothing.
fn said(value: &DataRef, format: &Format) -> String {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "a workbook's numbers are floats")]
        DataRef::Int(number) => format.show(*number as f64, Epoch::Year1900),
        DataRef::Float(number) => format.show(*number, Epoch::Year1900),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(moment) => serial(moment),
        DataRef::DateTimeIso(moment) => iso(moment),
        DataRef::DurationIso(duration) => duration.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// The reader trusts lengths and places in the file, and panics where they lie.
fn open(bytes: Vec<u8>) -> Result<Xls<Cursor<Vec<u8>>>, Unreadable> {
    catch_unwind(|| Xls::new(Cursor::new(bytes)))
        .map_err(|_| Unreadable::Damaged)?
        .map_err(|error| unreadable(&error))
}

fn at(first: u32, offset: usize) -> Result<u32, Unreadable> {
    let offset = u32::try_from(offset).map_err(|_| Unreadable::TooLong)?;
    first.checked_add(offset).ok_or(Unreadable::TooLong)
}

fn cell(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(truth) => DataRef::Bool(*truth),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(moment) => DataRef::DateTimeIso(moment.clone()),
        Data::DurationIso(duration) => DataRef::DurationIso(duration.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn unreadable(error: &XlsError) -> Unreadable {
    match error {
        XlsError::Password => Unreadable::Locked,
        _ => Unreadable::Damaged,
    }
}
