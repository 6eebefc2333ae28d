//! `OpenDocument` workbooks.

use std::collections::HashSet;

use super::{
    super::{
        Unreadable, html,
        odt::{Styles, cell_text, cells, is_open, meta_title, span},
        package::Package,
        writer::Writer,
        xml::{Element, Tree},
    },
    sheet::{Allowance, Area, Sheet},
    value::{decimal, iso},
    warn_hidden,
};

/// Reads the visible sheets.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no workbook, damaged, locked or too large.
pub(super) fn read(mut package: Package, writer: &mut Writer) -> Result<(), Unreadable> {
    is_open(&mut package)?;
    if let Some(title) = meta_title(&mut package)? {
        writer.title(&title);
    }

    let source = package.required("content.xml")?;
    let tree = Tree::parse(&source)?;
    let book = tree.root().path(&["body", "spreadsheet"]).ok_or(Unreadable::Damaged)?;
    let hidden = hidden(tree.root());
    let common = package.text("styles.xml")?;
    let common = common.as_deref().map(Tree::parse).transpose()?;
    let mut styles = Styles::default();
    for tree in common.iter().chain([&tree]) {
        styles.read(tree.root());
    }

    let mut allowance = Allowance::default();
    let mut left_out = Vec::new();
    for table in book.children_named("table") {
        if table.attribute("style-name").is_some_and(|style| hidden.contains(style.as_ref())) {
            left_out.push(table.attribute("name").unwrap_or_default().into_owned());
            continue;
        }
        let name = table.attribute("name").unwrap_or_default();
        fill(table, &styles, &mut allowance)?.write(&name, writer)?;
    }
    warn_hidden(left_out, writer);
    Ok(())
}

/// The names of styles that hide a sheet.
fn hidden(root: Element) -> HashSet<String> {
    let styles = root.child("automatic-styles").into_iter().flat_map(Element::children);
    let hiding = styles.filter(|style| {
        let shown = style.child("table-properties").and_then(|it| it.attribute("display"));
        shown.as_deref() == Some("false")
    });
    hiding.filter_map(|style| Some(style.attribute("name")?.into_owned())).collect()
}

/// The rows of a table, and whether each can be seen: a filter or a closed group hides it.
fn rows<'t>(parent: Element<'t>, is_seen: bool, found: &mut Vec<(Element<'t>, bool)>) {
    for child in parent.children() {
        let is_seen = is_seen && !is_collapsed(child);
        match child.name() {
            "table-row" => found.push((child, is_seen)),
            "table-rows" | "table-header-rows" | "table-row-group" => rows(child, is_seen, found),
            _ => {}
        }
    }
}

/// Hides the columns that cannot be seen.
fn columns(parent: Element, is_seen: bool, next: &mut u32, sheet: &mut Sheet) {
    for child in parent.children() {
        let is_seen = is_seen && !is_collapsed(child);
        match child.name() {
            "table-column" => {
                let count = times(child, "number-columns-repeated");
                let last = next.saturating_add(count.saturating_sub(1));
                if !is_seen {
                    sheet.hide_columns(*next, last);
                }
                *next = next.saturating_add(count);
            }
            "table-columns" | "table-header-columns" | "table-column-group" => {
                columns(child, is_seen, next, sheet);
            }
            _ => {}
        }
    }
}

fn is_collapsed(element: Element) -> bool {
    matches!(element.attribute("visibility").as_deref(), Some("collapse" | "filter"))
        || element.name().ends_with("-group")
            && element.attribute("display").as_deref() == Some("false")
}

fn fill(table: Element, styles: &Styles, allowance: &mut Allowance) -> Result<Sheet, Unreadable> {
    let mut sheet = Sheet::default();
    columns(table, true, &mut 0, &mut sheet);
    let mut found = Vec::new();
    rows(table, true, &mut found);
    let mut at = 0_u32;
    for (row, is_seen) in found {
        let times = times(row, "number-rows-repeated");
        let mut column = 0_u32;
        for cell in cells(row) {
            let across = self::times(cell, "number-columns-repeated");
            let text = if is_seen { said(cell, styles) } else { String::new() };
            let place = (at, column);
            let span = span(cell);
            if span.columns > 1 || span.rows > 1 {
                let reach = |from: u32, count: usize| {
                    from.saturating_add(u32::try_from(count - 1).unwrap_or(u32::MAX))
                };
                sheet.merge(Area {
                    from: place,
                    to: (reach(at, span.rows), reach(column, span.columns)),
                });
            }
            if !text.is_empty() {
                // Repeated cells with something in them are paid for like others.
                for (down, right) in
                    (0..times).flat_map(|down| (0..across).map(move |right| (down, right)))
                {
                    let place = (at.saturating_add(down), column.saturating_add(right));
                    sheet.set(place, &text, allowance)?;
                }
            }
            column = column.saturating_add(across);
        }
        at = at.saturating_add(times);
    }
    Ok(sheet)
}

fn times(element: Element, attribute: &str) -> u32 {
    element.number(attribute).map_or(1, |times| u32::try_from(times).unwrap_or(u32::MAX))
}

fn said(cell: Element, styles: &Styles) -> String {
    let style = cell.attribute("style-name");
    if cell.name() != "table-cell" || styles.is_cell_struck(style.as_deref()) {
        return String::new();
    }
    // Two attributes may be called so; the cell's own type comes from the office's namespace.
    let value = |name: &str| cell.attribute(name);
    let number = || value("value").and_then(|it| it.trim().parse::<f64>().ok());
    let shown = || cell_text(cell, " ", styles, &mut Vec::new());
    match value("value-type").as_deref() {
        Some("date") => value("date-value").map(|it| iso(&it)).unwrap_or_default(),
        Some("float" | "currency") => number().map(|it| as_shown(&shown(), it)).unwrap_or_default(),
        Some("percentage") => number()
            .map(|it| match shown() {
                shown if shown.trim().is_empty() => format!("{}%", decimal(it * 100.0)),
                shown => as_shown(&shown, it * 100.0),
            })
            .unwrap_or_default(),
        _ => {
            let shown = shown();
            html::value(&shown).unwrap_or(shown)
        }
    }
}

/// A number as its cell shows it, without what stands between thousands.
fn as_shown(shown: &str, number: f64) -> String {
    let shown = shown.trim();
    if shown.is_empty() {
        return decimal(number);
    }
    let whole = format!("{:.0}", number.abs().trunc());
    let Some(start) = shown.find(|c: char| c.is_ascii_digit()) else { return shown.to_owned() };
    let mut digits = whole.chars().peekable();
    let mut text = shown[..start].to_owned();
    let mut rest = shown[start..].char_indices();
    while let Some(next) = digits.peek().copied() {
        match rest.next() {
            Some((_, c)) if c == next => {
                text.push(c);
                digits.next();
            }
            Some((_, ' ' | '\u{A0}' | '\u{202F}' | ',' | '.' | '\'' | '’')) => {}
            // Rounded, or padded: it stays what it is.
            _ => return shown.to_owned(),
        }
    }
    text.push_str(rest.as_str());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_signs_and_lose_the_gaps_between_thousands() {
        for (shown, number, expected) in [
            ("1 290,00 ₽", 1290.0, "1290,00 ₽"),
            ("$1,234,567.50", 1_234_567.5, "$1234567.50"),
            ("00417", 417.0, "00417"),
            ("12 km", 12.0, "12 km"),
            ("", 0.5, "0.5"),
            ("1,3 млн", 1_290_000.0, "1,3 млн"),
            ("free", 0.0, "free"),
        ] {
            assert_eq!(as_shown(shown, number), expected);
        }
    }
}
