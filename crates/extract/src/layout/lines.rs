//! Where letters stand tells which of them are a line, a column, a table.

use super::{Break, Cell, Line, Span};

/// A gap this wide, in font sizes, is no space between words.
const CELL_GAP: f32 = 1.0;
/// A gap this wide, in font sizes, is a space even where the file has none.
const WORD_GAP: f32 = 0.15;
/// A gap this wide, in font sizes, divides cells where the rows around it have cells at the same
/// places.
const NARROW_GAP: f32 = 0.33;
/// Two columns have at least this many lines beside each other.
const MIN_COLUMN: usize = 8;
/// Half the width of the empty strip between two columns, points.
const HALF_GUTTER: f32 = 4.0;
/// Where on the page's width the strip may be looked for, in so many steps from 3/10 to 7/10.
const GUTTER_STEPS: u8 = 60;

/// The lines of a page in reading order.
pub(super) fn read(mut spans: Vec<Span>) -> Vec<Line> {
    spans.retain(|span| {
        !span.text.trim().is_empty() && [span.x, span.y, span.width].iter().all(|n| n.is_finite())
    });
    let mut lines: Vec<Line> = match gutter(&spans) {
        Some(gutter) => columns(spans, gutter),
        None => rows(spans).into_iter().map(line).collect(),
    };
    divide_narrow_cells(&mut lines);
    mark_tables(&mut lines);
    lines
}

/// Divides lines at narrow gaps when each part then stands below a cell of the line above: a table
/// whose columns are as wide as their longest words.
fn divide_narrow_cells(lines: &mut [Line]) {
    for i in 1..lines.len() {
        let (above, below) = lines.split_at_mut(i);
        let above = &above[i - 1];
        let below = &mut below[0];
        let distance = above.y - below.y;
        if above.cells.len() > below.cells.len() && (0.0..above.size * 3.0).contains(&distance) {
            divide(above, below);
        }
    }
    for cell in lines.iter_mut().flat_map(|line| &mut line.cells) {
        cell.breaks.clear();
        cell.text = cell.text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

fn divide(above: &Line, below: &mut Line) {
    let divides = |gap: &&Break| {
        above.cells.windows(2).any(|pair| gap.left < pair[1].left && gap.right > pair[0].right)
    };
    let mut cells: Vec<Cell> = Vec::new();
    for cell in &below.cells {
        let mut at = 0;
        let mut left = cell.left;
        let end = Break { at: cell.text.len(), left: cell.right, right: cell.right };
        for gap in cell.breaks.iter().filter(divides).chain([&end]) {
            let text = cell.text.get(at..gap.at).unwrap_or_default().to_owned();
            cells.push(Cell { left, right: gap.left, text, breaks: Vec::new() });
            (at, left) = (gap.at, gap.right);
        }
    }
    let mut pairs = cells.iter().zip(&above.cells);
    if cells.len() == above.cells.len()
        && pairs.all(|(cell, above)| cell.left < above.right && cell.right > above.left)
    {
        below.cells = cells;
    }
}

/// Spans at one height, left to right; heights from the top.
fn rows(mut spans: Vec<Span>) -> Vec<Vec<Span>> {
    spans.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut rows: Vec<Vec<Span>> = Vec::new();
    for span in spans {
        match rows.last_mut() {
            Some(row) if row[0].y - span.y < 0.5 * row[0].size.max(span.size) => row.push(span),
            _ => rows.push(vec![span]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.x.total_cmp(&b.x));
        // Some programs print a letter twice to make it bold.
        row.dedup_by(|a, b| a.text == b.text && (a.x - b.x).abs() < 1.0 && (a.y - b.y).abs() < 1.0);
    }
    rows
}

/// Joins a row's spans; never called with an empty row.
fn line(row: Vec<Span>) -> Line {
    let tallest = row.iter().max_by(|a, b| a.text.len().cmp(&b.text.len()));
    let (y, size) = tallest.map_or((0.0, 1.0), |span| (span.y, span.size));
    let bold = row.iter().all(|span| span.bold);
    let mut cells: Vec<Cell> = Vec::new();
    for span in row {
        let right = span.x + span.width.max(0.0);
        match cells.last_mut() {
            Some(cell) if span.x - cell.right <= CELL_GAP * size => {
                if span.x - cell.right > WORD_GAP * size {
                    cell.text.push(' ');
                }
                if span.x - cell.right > NARROW_GAP * size {
                    cell.breaks.push(Break {
                        at: cell.text.len(),
                        left: cell.right,
                        right: span.x,
                    });
                }
                cell.text.push_str(&span.text);
                cell.right = cell.right.max(right);
            }
            _ => cells.push(Cell { left: span.x, right, text: span.text, breaks: Vec::new() }),
        }
    }
    for cell in &mut cells {
        // Where a break is must stay true, so only ends are trimmed of a cell that has some.
        if cell.breaks.is_empty() {
            cell.text = cell.text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    Line { y, size, bold, cells, row: false }
}

/// The middle of the empty strip between two columns, where the page has two.
///
/// A table has such strips too; its cells do not fill their side of it.
fn gutter(spans: &[Span]) -> Option<f32> {
    let left = spans.iter().map(|span| span.x).reduce(f32::min)?;
    let right = spans.iter().map(|span| span.x + span.width).reduce(f32::max)?;
    let rows = rows(spans.to_vec());
    let mut best: Option<(usize, f32)> = None;
    for step in 0..=GUTTER_STEPS {
        let x = left + (right - left) * (0.3 + 0.4 * f32::from(step) / f32::from(GUTTER_STEPS));
        let beside: Vec<&Vec<Span>> = rows.iter().filter(|row| is_beside(row, x)).collect();
        let filled = beside.iter().filter(|row| fills_both(row, left, x, right)).count();
        if beside.len() >= MIN_COLUMN
            && beside.len() * 2 >= rows.len()
            && filled * 2 >= beside.len()
            && best.is_none_or(|(most, _)| beside.len() > most)
        {
            best = Some((beside.len(), x));
        }
    }
    best.map(|(_, x)| x)
}

fn crosses(span: &Span, x: f32) -> bool {
    span.x < x + HALF_GUTTER && span.x + span.width > x - HALF_GUTTER
}

fn is_beside(row: &[Span], x: f32) -> bool {
    !row.iter().any(|span| crosses(span, x))
        && row.iter().any(|span| span.x < x)
        && row.iter().any(|span| span.x > x)
}

fn fills_both(row: &[Span], left: f32, x: f32, right: f32) -> bool {
    let width = |of: &dyn Fn(&Span) -> bool| -> f32 {
        row.iter().filter(|span| of(span)).map(|span| span.width).sum()
    };
    width(&|span| span.x < x) > 0.6 * (x - left) && width(&|span| span.x > x) > 0.6 * (right - x)
}

/// Reads the left column before the right one, between lines that run across both.
fn columns(spans: Vec<Span>, gutter: f32) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut left = Vec::new();
    let mut right = Vec::new();
    for row in rows(spans) {
        if row.iter().any(|span| crosses(span, gutter)) {
            lines.append(&mut left);
            lines.append(&mut right);
            lines.push(line(row));
            continue;
        }
        let (before, after): (Vec<Span>, Vec<Span>) =
            row.into_iter().partition(|span| span.x < gutter);
        for (side, part) in [(&mut left, before), (&mut right, after)] {
            if !part.is_empty() {
                side.push(line(part));
            }
        }
    }
    lines.append(&mut left);
    lines.append(&mut right);
    lines
}

/// Neighbouring lines whose cells stand below each other are a table.
fn mark_tables(lines: &mut [Line]) {
    for i in 1..lines.len() {
        let (above, below) = lines.split_at_mut(i);
        let above = &mut above[i - 1];
        let below = &mut below[0];
        if above.cells.len() > 1 && below.cells.len() > 1 && is_aligned(above, below) {
            above.row = true;
            below.row = true;
        }
    }
}

fn is_aligned(above: &Line, below: &Line) -> bool {
    let near = |a: f32, b: f32| (a - b).abs() < 0.6 * above.size.max(below.size);
    above.cells.iter().skip(1).any(|a| {
        let centre = |cell: &Cell| f32::midpoint(cell.left, cell.right);
        below
            .cells
            .iter()
            .skip(1)
            .any(|b| near(a.left, b.left) || near(a.right, b.right) || near(centre(a), centre(b)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(x: f32, y: f32, width: f32, text: &str) -> Span {
        Span { x, y, width, size: 10.0, bold: false, text: text.to_owned() }
    }

    fn texts(spans: Vec<Span>) -> Vec<String> {
        read(spans).iter().map(Line::text).collect()
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let mut spans = vec![span(50.0, 800.0, 500.0, "A title across the page")];
        for i in 0..10_u8 {
            let y = 780.0 - 12.0 * f32::from(i);
            spans.push(span(310.0, y, 240.0, &format!("right {i}")));
            spans.push(span(50.0, y, 240.0, &format!("left {i}")));
        }
        let texts = texts(spans);
        assert_eq!(texts[0], "A title across the page");
        assert_eq!(texts[1], "left 0");
        assert_eq!(texts[10], "left 9");
        assert_eq!(texts[11], "right 0");
    }

    #[test]
    fn a_table_is_read_row_by_row() {
        let mut spans = Vec::new();
        for i in 0..10_u8 {
            let y = 780.0 - 12.0 * f32::from(i);
            spans.push(span(50.0, y, 40.0, &format!("zone {i}")));
            spans.push(span(300.0, y, 30.0, &format!("{i} EUR")));
        }
        assert_eq!(texts(spans)[3], "zone 3 | 3 EUR");
    }

    #[test]
    fn narrow_columns_below_wide_ones_are_cells() {
        let head = [
            span(50.0, 800.0, 20.0, "Zone"),
            span(100.0, 800.0, 22.0, "Price"),
            span(146.0, 800.0, 20.0, "Days"),
        ];
        let row = [
            span(50.0, 785.0, 46.0, "Country"),
            span(100.0, 785.0, 42.0, "290 EUR"),
            span(146.0, 785.0, 5.0, "1"),
        ];
        let text = [
            span(50.0, 770.0, 46.0, "Running"),
            span(100.0, 770.0, 30.0, "text"),
            span(133.0, 770.0, 5.0, "on"),
        ];
        let spans = [head, row, text].concat();
        assert_eq!(
            texts(spans),
            ["Zone | Price | Days", "Country | 290 EUR | 1", "Running text on"]
        );
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        let mut spans = vec![span(f32::NAN, 1.0, 1.0, "nan"), span(1.0, f32::INFINITY, 1.0, "inf")];
        spans.push(span(1.0, 1.0, 1.0, "whole"));
        assert_eq!(texts(spans), ["whole"]);
        assert!(read(Vec::new()).is_empty());
    }
}
