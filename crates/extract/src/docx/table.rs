//! Tables become rows of one line each.

use super::{
    Reading,
    inline::{Inline, flat, is_on},
};
use crate::xml::Element;

/// Most columns one merged cell may span.
const SPAN: u64 = 63;

impl Reading<'_> {
    /// Writes a table. What merged cells cover is blank; a table of one column is a frame around
    /// its content.
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
        for (row, cells) in rows {
            let mut texts = Vec::new();
            blanks(&mut texts, row.path(&["trPr", "gridBefore"]).and_then(|it| it.number("val")));
            for cell in cells {
                texts.push(self.cell(cell, &mut boxes));
                let span = cell.path(&["tcPr", "gridSpan"]).and_then(|it| it.number("val"));
                blanks(&mut texts, span.map(|span| span.saturating_sub(1)));
            }
            self.writer.row(&texts);
        }

        self.writer.end_table();

        for boxed in boxes {
            self.blocks(boxed);
        }
    }

    fn cell<'t>(&mut self, cell: Element<'t>, boxes: &mut Vec<Element<'t>>) -> String {
        let merge = cell.path(&["tcPr", "vMerge"]);
        if merge.is_some_and(|it| it.attribute("val").as_deref() != Some("restart") && is_on(it)) {
            return String::new();
        }
        flat(cell, &mut |paragraph| {
            let inline = Inline::read(paragraph, self.relations, &mut self.notes);
            boxes.extend(inline.boxes);
            inline.text
        })
    }
}

fn blanks(texts: &mut Vec<String>, count: Option<u64>) {
    for _ in 0..count.unwrap_or(0).min(SPAN) {
        texts.push(String::new());
    }
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
