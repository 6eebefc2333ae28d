//! The numbers of a chart, as a table.

use super::super::{
    Unreadable,
    package::{Package, Relations},
    writer::Writer,
    xml::{Element, Tree},
};

/// A chart has at most so many rows of numbers and so many series.
const MOST_ROWS: usize = 2_000;
const MOST_SERIES: usize = 40;

/// Writes what a chart shows: its title, then a row for each category and a column for each series.
///
/// # Errors
///
/// Returns [`Unreadable`] when the chart cannot be read.
pub(super) fn write(
    package: &mut Package,
    pointer: Element,
    relations: &Relations,
    writer: &mut Writer,
) -> Result<(), Unreadable> {
    let part = pointer.prefixed("id").and_then(|id| relations.by_id(&id));
    let Some(part) = part.filter(|part| !part.external) else { return Ok(()) };
    let Some(source) = package.text(&part.target)? else { return Ok(()) };
    let tree = Tree::parse(&source)?;
    let Some(chart) = tree.root().child("chart") else { return Ok(()) };

    if let Some(title) = chart.child("title") {
        let said: Vec<String> = title.descendants("t").map(Element::text).collect();
        writer.paragraph(&said.concat());
    }

    let series: Vec<Element> = chart.descendants("ser").take(MOST_SERIES).collect();
    let name = |one: &Element| one.child("tx").map(|tx| points(tx).concat()).unwrap_or_default();
    let categories = series.iter().find_map(|one| {
        let found = one.child("cat").or_else(|| one.child("xVal"))?;
        Some(points(found))
    });
    let categories = categories.unwrap_or_default();
    let columns: Vec<Vec<String>> = series
        .iter()
        .map(|one| one.child("val").or_else(|| one.child("yVal")).map(points).unwrap_or_default())
        .collect();

    let count = columns.iter().map(Vec::len).max().unwrap_or(0);
    if count == 0 {
        return Ok(());
    }
    let header: Vec<String> =
        std::iter::once(String::new()).chain(series.iter().map(name)).collect();
    if header.iter().any(|name| !name.is_empty()) {
        writer.header_rows(1);
        writer.row(&header);
    } else {
        writer.header_rows(0);
    }
    for row in 0..count {
        let cell = |column: &Vec<String>| column.get(row).cloned().unwrap_or_default();
        let cells: Vec<String> =
            std::iter::once(cell(&categories)).chain(columns.iter().map(cell)).collect();
        writer.row(&cells);
    }
    writer.end_table();
    Ok(())
}

/// What the points of a series or an axis say, in their places.
fn points(parent: Element) -> Vec<String> {
    let mut found = Vec::new();
    for point in parent.descendants("pt") {
        let at = point.number("idx").and_then(|at| usize::try_from(at).ok());
        let Some(at) = at.filter(|at| *at < MOST_ROWS) else { continue };
        if found.len() <= at {
            found.resize(at + 1, String::new());
        }
        let value = point.child("v").map(Element::text).unwrap_or_default();
        // Points of several levels stand in one place: the first one is the nearest.
        if found[at].is_empty() {
            found[at] = value.parse::<f64>().map_or(value, crate::xlsx::decimal);
        }
    }
    found
}
