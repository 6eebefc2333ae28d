//! How the cells of an old workbook look, and which of them can be seen: the library behind
//! [`super`] does not tell.
//!
//! The workbook's stream is a row of records (MS-XLS): fonts, formats, looks and the places of
//! sheets first, then what each sheet holds.

use std::{collections::HashMap, rc::Rc};

use encoding_rs::WINDOWS_1251;

use super::super::{
    format::Format,
    looks::Look,
    sheet::{Area, Sheet},
};
use crate::detect;

/// Most cells whose looks are noted.
const CELLS: usize = 200_000;
/// Most merged cells of a sheet.
const AREAS: usize = 50_000;

const FORMULA: u16 = 0x0006;
const END: u16 = 0x000A;
const FONT: u16 = 0x0031;
const COLUMNS: u16 = 0x007D;
const SHEET: u16 = 0x0085;
const NUMBERS: u16 = 0x00BD;
const STYLE: u16 = 0x00E0;
const MERGED: u16 = 0x00E5;
const SHARED_STRING: u16 = 0x00FD;
const NUMBER: u16 = 0x0203;
const STRING: u16 = 0x0204;
const ROW: u16 = 0x0208;
const SHORT_NUMBER: u16 = 0x027E;
const FORMAT: u16 = 0x041E;
const BEGIN: u16 = 0x0809;
/// The version of 1997, whose texts may be UTF-16.
const VERSION_97: u16 = 0x0600;

/// What is said of the cells of one sheet.
#[derive(Default)]
pub(super) struct SheetRecords {
    looks: HashMap<(u32, u32), usize>,
    hidden_rows: Vec<u32>,
    hidden_columns: Vec<(u32, u32)>,
    merged: Vec<Area>,
}

/// What is said of the cells of a workbook.
#[derive(Default)]
pub(super) struct Book {
    looks: Vec<Look>,
    sheets: Vec<SheetRecords>,
}

impl Book {
    /// Reads the records of a compound file. Nothing where that cannot be read.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let book = ["Workbook", "Book"].into_iter().find_map(|name| detect::stream(bytes, name));
        let Some(stream) = book else { return Self::default() };
        let mut fonts: Vec<bool> = Vec::new();
        let mut formats: HashMap<u16, Rc<Format>> = HashMap::new();
        let mut styles: Vec<(u16, u16)> = Vec::new();
        let mut places = Vec::new();
        let mut version = VERSION_97;
        for (kind, data) in records(&stream) {
            match kind {
                BEGIN => version = half(data, 0).unwrap_or(VERSION_97),
                FONT => fonts.push(half(data, 2).unwrap_or(0) & 0x0008 != 0),
                FORMAT => {
                    if let Some((id, code)) = half(data, 0).zip(code(data, version)) {
                        formats.insert(id, Rc::new(Format::of(&code)));
                    }
                }
                STYLE => {
                    styles.push((half(data, 0).unwrap_or(0), half(data, 2).unwrap_or(0)));
                }
                SHEET => places.push(half(data, 0).zip(half(data, 2))),
                END => break,
                _ => {}
            }
        }

        let looks = styles.into_iter().map(|(font, id)| {
            // The number 4 is no font's.
            let font = usize::from(if font > 4 { font - 1 } else { font });
            let format =
                formats.entry(id).or_insert_with(|| Rc::new(Format::built_in(u64::from(id))));
            Look { format: Rc::clone(format), is_struck: fonts.get(font).copied().unwrap_or(false) }
        });
        let looks = looks.collect();
        let mut left = CELLS;
        let start = |(low, high): (u16, u16)| usize::from(low) | usize::from(high) << 16;
        let sheets = places.into_iter().map(|at: Option<(u16, u16)>| {
            let sheet = at.and_then(|at| stream.get(start(at)..)).unwrap_or_default();
            of_sheet(sheet, &mut left)
        });
        let sheets = sheets.collect();
        Self { looks, sheets }
    }

    /// How a cell of a sheet looks.
    pub(super) fn look(&self, sheet: usize, place: (u32, u32)) -> Look {
        let said = self.sheets.get(sheet);
        let look = said.and_then(|said| self.looks.get(*said.looks.get(&place)?));
        look.cloned().unwrap_or_default()
    }

    /// Tells a sheet what cannot be seen of it, and which cells are merged.
    pub(super) fn mark(&self, number: usize, sheet: &mut Sheet) {
        let Some(said) = self.sheets.get(number) else { return };
        for row in &said.hidden_rows {
            sheet.hide_row(*row);
        }
        for (first, last) in &said.hidden_columns {
            sheet.hide_columns(*first, *last);
        }
        for area in &said.merged {
            sheet.merge(*area);
        }
    }
}

/// The code of a format: in pairs of bytes or in single ones.
fn code(data: &[u8], version: u16) -> Option<String> {
    if version < VERSION_97 {
        let length = usize::from(*data.get(2)?);
        return Some(WINDOWS_1251.decode_without_bom_handling(data.get(3..3 + length)?).0.into());
    }
    let length = usize::from(half(data, 2)?);
    if data.get(4)? & 1 == 0 {
        return Some(data.get(5..5 + length)?.iter().map(|byte| char::from(*byte)).collect());
    }
    let units = data.get(5..5 + length * 2)?.as_chunks::<2>().0.iter();
    Some(String::from_utf16_lossy(&units.map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>()))
}

fn of_sheet(sheet: &[u8], left: &mut usize) -> SheetRecords {
    let mut said = SheetRecords::default();
    // Charts inside a sheet have records of their own.
    let mut depth = 0_usize;
    let number = |data: &[u8], at: usize| half(data, at).map_or(0, u32::from);
    for (kind, data) in records(sheet) {
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            _ if depth != 1 => {}
            NUMBER | SHORT_NUMBER | FORMULA | SHARED_STRING | STRING => {
                note(&mut said, left, (number(data, 0), number(data, 2)), half(data, 4));
            }
            NUMBERS => {
                // Each number is a style and four bytes; the last column stands at the end.
                let first = number(data, 2);
                for (at, column) in (0..data.len().saturating_sub(6) / 6).zip(first..) {
                    note(&mut said, left, (number(data, 0), column), half(data, 4 + at * 6));
                }
            }
            ROW if number(data, 12) & 0x20 != 0 => said.hidden_rows.push(number(data, 0)),
            COLUMNS if number(data, 8) & 1 != 0 => {
                said.hidden_columns.push((number(data, 0), number(data, 2)));
            }
            MERGED => {
                let areas = data.get(2..).unwrap_or_default().as_chunks::<8>().0;
                let room = AREAS.saturating_sub(said.merged.len());
                said.merged.extend(areas.iter().take(room).map(|area| Area {
                    from: (number(area, 0), number(area, 4)),
                    to: (number(area, 2), number(area, 6)),
                }));
            }
            _ => {}
        }
    }
    said
}

fn note(said: &mut SheetRecords, left: &mut usize, place: (u32, u32), style: Option<u16>) {
    if let Some(style) = style.filter(|style| *left > 0 && *style > 0) {
        *left -= 1;
        said.looks.insert(place, usize::from(style));
    }
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
