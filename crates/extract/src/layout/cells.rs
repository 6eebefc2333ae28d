//! What stands in the cells of a table with borders.

use super::{Cell, Line, Span, flow, grid::Grid, lines, prose};

/// A table, as rows in reading order.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    pub(super) rows: Vec<Line>,
}

/// Takes the words that stand in tables out of a page's words.
pub(super) fn take(spans: Vec<Span>, grids: &[Grid]) -> (Vec<Table>, Vec<Span>) {
    let mut inside: Vec<Vec<Vec<Span>>> =
        grids.iter().map(|grid| vec![Vec::new(); grid.rows() * grid.columns()]).collect();
    let mut outside = Vec::new();
    for span in spans {
        let x = span.x + span.width / 2.0;
        let y = span.y + 0.3 * span.size;
        let place = grids.iter().enumerate().find_map(|(number, grid)| {
            let (row, column) = grid.find(x, y)?;
            Some((number, grid.owner(row, column)))
        });
        match place {
            Some((grid, cell)) => inside[grid][cell].push(span),
            None => outside.push(span),
        }
    }

    let tables = grids.iter().zip(inside).map(|(grid, cells)| table(grid, cells)).collect();
    (tables, outside)
}

fn table(grid: &Grid, cells: Vec<Vec<Span>>) -> Table {
    let cells: Vec<Vec<Line>> = cells
        .into_iter()
        .map(|spans| lines::rows(spans).into_iter().map(lines::line).collect())
        .collect();
    let used: Vec<usize> =
        (0..grid.columns()).filter(|column| is_used(grid, &cells, *column)).collect();
    let mut rows = Vec::new();
    for row in 0..grid.rows() {
        let owners: Vec<usize> = used.iter().map(|column| grid.owner(row, *column)).collect();
        let texts: Vec<&[Line]> = owners.iter().map(|owner| cells[*owner].as_slice()).collect();
        if holds_rows(&texts) {
            rows.extend(torn(grid, &used, &texts));
            continue;
        }

        let is_banner = owners.len() > 1 && owners.iter().all(|owner| *owner == owners[0]);
        let shown = if is_banner { &texts[..1] } else { &texts[..] };
        let written = shown.iter().map(|lines| running(lines)).collect();
        rows.extend(row_line(grid, &used, texts.iter().flat_map(|lines| lines.iter()), written));
    }

    Table { left: grid.xs[0], right: grid.xs[grid.columns()], top: grid.ys[0], rows }
}

/// Does anything begin in a column? Double lines make columns that hold nothing.
fn is_used(grid: &Grid, cells: &[Vec<Line>], column: usize) -> bool {
    let is_wide = grid.xs[column + 1] - grid.xs[column] > 12.0;
    is_wide
        || (0..grid.rows()).any(|row| {
            let owner = grid.owner(row, column);
            owner % grid.columns() == column && !cells[owner].is_empty()
        })
}

/// Are the lines of a row's cells rows themselves? Some tables have lines between columns only.
fn holds_rows(cells: &[&[Line]]) -> bool {
    let tall: Vec<&&[Line]> = cells.iter().filter(|lines| lines.len() >= 3).collect();
    let same = |one: &[Line], other: &[Line]| {
        one.len() == other.len()
            && one.iter().zip(other).all(|(a, b)| (a.y - b.y).abs() < 0.3 * a.size.max(b.size))
    };
    tall.len() >= 2
        && tall.iter().all(|lines| same(tall[0], lines))
        && tall.iter().any(|lines| !prose::is_prose(&prose::texts(lines)))
}

/// The rows of a cell row that holds several.
fn torn(grid: &Grid, used: &[usize], cells: &[&[Line]]) -> Vec<Line> {
    let mut heights: Vec<f32> = cells.iter().flat_map(|lines| lines.iter().map(|l| l.y)).collect();
    heights.sort_by(|a, b| b.total_cmp(a));
    heights.dedup_by(|next, last| *last - *next < 2.0);
    heights
        .into_iter()
        .filter_map(|y| {
            let at = |lines: &&[Line]| lines.iter().find(|line| (line.y - y).abs() < 2.0).cloned();
            let lines: Vec<Option<Line>> = cells.iter().map(at).collect();
            let written = lines
                .iter()
                .map(|line| line.as_ref().map(Line::text).unwrap_or_default())
                .collect();
            row_line(grid, used, lines.iter().flatten(), written)
        })
        .collect()
}

/// The lines of a cell as one text.
fn running(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        flow::append(&mut text, &line.text());
    }
    text
}

/// A row of the table, unless nothing is in it.
fn row_line<'l>(
    grid: &Grid,
    used: &[usize],
    lines: impl Iterator<Item = &'l Line>,
    texts: Vec<String>,
) -> Option<Line> {
    let lines: Vec<&Line> = lines.collect();
    let first = lines.first()?;
    let cells = texts
        .into_iter()
        .zip(used)
        .map(|(text, column)| Cell {
            left: grid.xs[*column],
            right: grid.xs[column + 1],
            text,
            breaks: Vec::new(),
        })
        .collect();

    Some(Line {
        y: lines.iter().map(|line| line.y).fold(first.y, f32::min),
        size: first.size,
        bold: lines.iter().all(|line| line.bold),
        cells,
        row: true,
    })
}
