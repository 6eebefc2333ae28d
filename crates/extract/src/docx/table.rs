//! Tables become rows of one line each.

use super::{Reading, inline::flat, is_on};
use crate::{
    grid::{Grid, Role, Span},
    xml::Element,
};

/// Most columns one merged cell may span.
const SPAN: u64 = 63;

impl Reading<'_> {
    /// Writes a table; one of a single column is a frame around its content.
    pub(super) fn table(&mut self, table: Element) {
        let mut rows = Vec::new();
        collect(table, "tr", &mut rows);
        rows.retain(|row| row.path(&["trPr", "del"]).is_none());

        let rows: Vec<(Element, Vec<Element>)> = rows
            .into_iter()
            .map(|row| {
                let mut cells = Vec::new();
                collect(row, "tc", &mut cells);
                (row, cells)
            })
            .collect();

        if rows.iter().all(|(_, cells)| cells.len() <= 1) {
            for cell in rows.iter().flat_map(|(_, cells)| cells) {
                self.blocks(*cell);
            }
            return;
        }

        let mut boxes = Vec::new();
        let mut grid = Grid::default();
        for (row, cells) in rows {
            let is_header = row.path(&["trPr", "tblHeader"]).is_some_and(is_on);
            let role = if is_header { Role::Head } else { Role::Data };
            if let Some(before) = row.path(&["trPr", "gridBefore"]) {
                grid.cell("", span(Some(before)), role);
            }
            for cell in cells {
                let span = span(cell.path(&["tcPr", "gridSpan"]));
                if is_continued(cell) {
                    grid.below(span);
                } else {
                    let text = self.cell(cell, &mut boxes);
                    grid.cell(&text, span, role);
                }
            }
            grid.end_row();
        }
        grid.write(&mut self.writer);

        for boxed in boxes {
            self.blocks(boxed);
        }
    }

    fn cell<'t>(&mut self, cell: Element<'t>, boxes: &mut Vec<Element<'t>>) -> String {
        flat(cell, &mut |paragraph| {
            let inline = self.inline(paragraph);
            boxes.extend(inline.boxes);
            match self.number(paragraph, &inline.text) {
                Some(number) => format!("{number} {}", inline.text.trim()),
                None => inline.text,
            }
        })
    }
}

/// Does the cell go on with the one above it?
fn is_continued(cell: Element) -> bool {
    let merge = cell.path(&["tcPr", "vMerge"]);
    merge.is_some_and(|it| it.attribute("val").as_deref() != Some("restart") && is_on(it))
}

fn span(count: Option<Element>) -> Span {
    let columns = count.and_then(|it| it.number("val")).unwrap_or(1).min(SPAN);
    Span { columns: usize::try_from(columns).unwrap_or(1), rows: 1 }
}

/// Elements of a name, also through controls and changes around them, but not inside one another.
fn collect<'t>(parent: Element<'t>, name: &'static str, found: &mut Vec<Element<'t>>) {
    for child in parent.children() {
        match child.name() {
            it if it == name => found.push(child),
            "sdt" | "sdtContent" | "customXml" | "ins" | "moveTo" => collect(child, name, found),
            _ => {}
        }
    }
}
