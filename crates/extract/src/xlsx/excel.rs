//! Microsoft Excel since 2007.

use std::io::Cursor;

use calamine::{Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::{
    super::{
        Unreadable,
        docx::core_title,
        package::{Package, Relations},
        writer::Writer,
    },
    sheet::{Allowance, Sheet},
    value::said,
    warn_hidden,
};

/// Reads the visible sheets of an archive that is `bytes`.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no workbook, damaged, locked or too large.
pub(super) fn read(
    mut package: Package,
    bytes: &[u8],
    writer: &mut Writer,
) -> Result<(), Unreadable> {
    let root = Relations::of(&mut package, "")?;
    if let Some(title) = core_title(&mut package, &root)? {
        writer.title(&title);
    }
    // The reader below opens the archive itself, knows no limits and believes every count.
    for name in package.names_ending("sharedstrings.xml") {
        if package.text(&name)?.is_some_and(|strings| !is_counted(&strings)) {
            return Err(Unreadable::Damaged);
        }
    }
    package.check()?;
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    if workbook.sheets_metadata().is_empty() {
        return Err(Unreadable::Damaged);
    }
    let sheets = workbook.sheets_metadata().iter();
    let (shown, hidden): (Vec<_>, Vec<_>) = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .partition(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = shown.into_iter().map(|sheet| sheet.name.clone()).collect();
    warn_hidden(hidden.into_iter().map(|sheet| sheet.name.clone()).collect(), writer);
    let mut allowance = Allowance::default();
    for name in names {
        let mut cells =
            workbook.worksheet_cells_reader(&name).map_err(|error| unreadable(&error))?;
        let percents: Vec<bool> = cells.styles().iter().map(is_percent).collect();
        let mut sheet = Sheet::default();
        while let Some((cell, style)) =
            cells.next_cell_with_style_id().map_err(|error| unreadable(&error))?
        {
            let percent = percents.get(style).copied().unwrap_or(false);
            sheet.set(cell.get_position(), &said(cell.get_value(), percent), &mut allowance)?;
        }
        sheet.write(&name, writer)?;
    }
    Ok(())
}

/// Can there be as many strings as the table of strings says?
fn is_counted(strings: &str) -> bool {
    strings.split("uniqueCount").skip(1).all(|after| {
        let value = after.trim_start().strip_prefix('=').unwrap_or_default().trim_start();
        let digits =
            value.trim_start_matches(['"', '\'']).split(|c: char| !c.is_ascii_digit()).next();
        match digits {
            None | Some("") => true,
            Some(digits) => digits.parse::<usize>().is_ok_and(|count| count <= strings.len()),
        }
    })
}

fn is_percent(style: &calamine::Style) -> bool {
    style.number_format.as_ref().is_some_and(|format| format.format_code.contains('%'))
}

fn unreadable(error: &XlsxError) -> Unreadable {
    match error {
        XlsxError::Password => Unreadable::Locked,
        _ => Unreadable::Damaged,
    }
}
