//! Which cells of an old workbook show per cents: the library behind [`super`] does not tell.
//!
//! The workbook's stream is a row of records (MS-XLS): formats and the places of sheets first, then
//! the cells of each sheet, which name their format by its number.

use std::collections::HashSet;

use crate::detect;

/// Most cells that are noted.
const CELLS: usize = 200_000;
/// The formats `0%` and `0.00%`, which need no record.
const BUILT_IN: [u16; 2] = [9, 10];

const FORMULA: u16 = 0x0006;
const END: u16 = 0x000A;
const SHEET: u16 = 0x0085;
const NUMBERS: u16 = 0x00BD;
const STYLE: u16 = 0x00E0;
const NUMBER: u16 = 0x0203;
const SHORT_NUMBER: u16 = 0x027E;
const FORMAT: u16 = 0x041E;
const BEGIN: u16 = 0x0809;

/// The rows and columns of cells with per cents, for each sheet in the workbook's order. Nothing
/// where that cannot be read.
pub(super) fn of(bytes: &[u8]) -> Vec<HashSet<(u32, u32)>> {
    let book = ["Workbook", "Book"].into_iter().find_map(|name| detect::stream(bytes, name));
    let Some(book) = book else { return Vec::new() };
    let mut formats: HashSet<u16> = BUILT_IN.into();
    let mut styles = Vec::new();
    let mut sheets = Vec::new();
    for (kind, data) in records(&book) {
        match kind {
            FORMAT if data.contains(&b'%') => formats.extend(half(data, 0)),
            STYLE => styles.push(half(data, 2).unwrap_or_default()),
            SHEET => sheets.push(half(data, 0).zip(half(data, 2))),
            END => break,
            _ => {}
        }
    }

    let styles: Vec<bool> = styles.iter().map(|format| formats.contains(format)).collect();
    let mut left = CELLS;
    let place = |(low, high): (u16, u16)| usize::from(low) | usize::from(high) << 16;
    let cells = |at: Option<(u16, u16)>| {
        let sheet = at.and_then(|at| book.get(place(at)..)).unwrap_or_default();
        of_sheet(sheet, &styles, &mut left)
    };
    sheets.into_iter().map(cells).collect()
}

fn of_sheet(sheet: &[u8], styles: &[bool], left: &mut usize) -> HashSet<(u32, u32)> {
    let mut found = HashSet::new();
    // Charts inside a sheet have records of their own.
    let mut depth = 0_usize;
    let mut note = |data: &[u8], column: usize, style: usize| {
        let (Some(row), Some(style)) = (half(data, 0), half(data, style)) else { return };
        if *left > 0 && styles.get(usize::from(style)) == Some(&true) {
            *left -= 1;
            found.insert((u32::from(row), u32::try_from(column).unwrap_or(u32::MAX)));
        }
    };
    for (kind, data) in records(sheet) {
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            NUMBER | SHORT_NUMBER | FORMULA if depth == 1 => {
                if let Some(column) = half(data, 2) {
                    note(data, usize::from(column), 4);
                }
            }
            NUMBERS if depth == 1 => {
                let Some(first) = half(data, 2) else { continue };
                // Each number is a style and four bytes; the last column stands at the end.
                for at in 0..data.len().saturating_sub(6) / 6 {
                    note(data, usize::from(first) + at, 4 + at * 6);
                }
            }
            _ => {}
        }
    }
    found
}

/// Kinds of records with their data, as far as they are whole.
fn records(stream: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let kind = half(rest, 0)?;
        let end = 4 + usize::from(half(rest, 2)?);
        let data = rest.get(4..end)?;
        rest = &rest[end..];
        Some((kind, data))
    })
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([two[0], two[1]]))
}
