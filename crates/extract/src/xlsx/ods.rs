//! `OpenDocument` workbooks.

use std::collections::HashSet;

use super::{
    super::{
        Unreadable,
        odt::{cell_text, cells, is_open, meta_title, table_rows},
        package::Package,
        writer::Writer,
        xml::{Element, Tree},
    },
    sheet::{Allowance, Sheet},
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
    let mut allowance = Allowance::default();
    let mut left_out = Vec::new();
    for table in book.children_named("table") {
        if table.attribute("style-name").is_some_and(|style| hidden.contains(style.as_ref())) {
            left_out.push(table.attribute("name").unwrap_or_default().into_owned());
            continue;
        }
        let name = table.attribute("name").unwrap_or_default();
        fill(table, &mut allowance)?.write(&name, writer)?;
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

fn fill(table: Element, allowance: &mut Allowance) -> Result<Sheet, Unreadable> {
    let mut rows = Vec::new();
    table_rows(table, &mut rows);
    let mut sheet = Sheet::default();
    let mut at = 0_u32;
    for row in rows {
        let times = times(row, "number-rows-repeated");
        let mut column = 0_u32;
        for cell in cells(row) {
            let across = self::times(cell, "number-columns-repeated");
            let text = said(cell);
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

fn said(cell: Element) -> String {
    if cell.name() != "table-cell" {
        return String::new();
    }
    // Two attributes may be called so; the cell's own type comes from the office's namespace.
    let value = |name: &str| cell.attribute(name);
    let number = || value("value").and_then(|it| it.trim().parse::<f64>().ok());
    match value("value-type").as_deref() {
        Some("date") => value("date-value").map(|it| iso(&it)).unwrap_or_default(),
        Some("float") => number().map(decimal).unwrap_or_default(),
        Some("percentage") => {
            number().map(|it| format!("{}%", decimal(it * 100.0))).unwrap_or_default()
        }
        _ => cell_text(cell, " ", &mut Vec::new()),
    }
}
