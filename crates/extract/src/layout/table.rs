//! Tables without borders: cells that stand below each other.

use super::{Break, Cell, Direction, Line, Rule, flow};

/// A run with more rows than this is written as it stands.
const MOST_ROWS: usize = 2_000;
/// Lines of one row are this much nearer to each other than rows are.
const ROW_GAP: f32 = 1.3;
/// A cell of a row has at most this many lines.
const MOST_WRAPPED: usize = 6;
/// A line with one cell belongs to the row above it up to this distance, in font sizes.
const NEAR: f32 = 1.5;

/// Finds the tables in lines that follow each other, and gives their rows a cell for each column.
pub(super) fn mark(mut lines: Vec<Line>, rules: &[Rule]) -> Vec<Line> {
    divide_narrow_cells(&mut lines);
    mark_rows(&mut lines);
    mark_wrapped(&mut lines);

    let mut marked = Vec::with_capacity(lines.len());
    let mut run: Vec<Line> = Vec::new();
    for line in lines {
        if line.row {
            run.push(line);
        } else {
            marked.extend(aligned(std::mem::take(&mut run), rules));
            marked.push(line);
        }
    }
    marked.extend(aligned(run, rules));
    marked
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

/// Lines whose cells stand below each other are rows. Between them may be lines with one cell that
/// go on below a cell of the row above.
fn mark_rows(lines: &mut [Line]) {
    for i in 1..lines.len() {
        let Some(above) = row_above(lines, i) else { continue };
        let neighbors = [above.checked_sub(1), Some(i + 1)];
        let is_text = neighbors
            .into_iter()
            .flatten()
            .filter_map(|at| lines.get(at))
            .any(|line| is_justified(line, &lines[above]));
        if !is_text && is_aligned(&lines[above], &lines[i]) {
            lines[above].row = true;
            lines[i].row = true;
        }
    }
}

/// The line with several cells above a line that has several.
fn row_above(lines: &[Line], at: usize) -> Option<usize> {
    let has_cells = |at: usize| lines[at].cells.len() > 1;
    let above = (at.saturating_sub(MOST_WRAPPED)..at).rev().find(|above| has_cells(*above))?;
    let goes_on = |line: &Line| {
        let cells = lines[above].cells.iter().skip(1);
        cells.into_iter().any(|cell| (cell.left - line.left()).abs() < 0.6 * line.size)
    };
    (has_cells(at) && lines[above + 1..at].iter().all(goes_on)).then_some(above)
}

/// Is a line of running text as wide as its neighbor? Then that one is of the same text, and its
/// gaps are wide because it has few words.
fn is_justified(line: &Line, neighbor: &Line) -> bool {
    let same = |a: f32, b: f32| (a - b).abs() < 1.5;
    line.cells.len() == 1
        && same(line.left(), neighbor.left())
        && same(line.right(), neighbor.right())
        && (line.y - neighbor.y).abs() < 3.0 * neighbor.size
}

fn is_aligned(above: &Line, below: &Line) -> bool {
    let size = above.size.max(below.size);
    let meet = |above: &[Cell], below: &[Cell]| {
        above.iter().any(|a| below.iter().any(|b| stand_below(a, b, size)))
    };
    meet(&above.cells[1..], &below.cells) || meet(&above.cells, &below.cells[1..])
}

fn stand_below(above: &Cell, below: &Cell, size: f32) -> bool {
    let near = |a: f32, b: f32| (a - b).abs() < 0.6 * size;
    let center = |cell: &Cell| f32::midpoint(cell.left, cell.right);
    near(above.left, below.left)
        || near(above.right, below.right)
        || near(center(above), center(below))
}

/// Lines with one cell that go on below a cell of the row above are a part of the table, too.
fn mark_wrapped(lines: &mut [Line]) {
    for i in 1..lines.len() {
        let (above, below) = lines.split_at_mut(i);
        let above = &above[i - 1];
        let below = &mut below[0];
        let distance = above.y - below.y;
        let is_near = (0.0..NEAR * above.size.max(below.size)).contains(&distance);
        if !above.row || below.row || below.cells.len() != 1 || !is_near {
            continue;
        }
        let goes_on = |cell: &Cell| (cell.left - below.cells[0].left).abs() < 0.6 * below.size;
        below.row = above.cells.iter().skip(1).any(goes_on);
    }
}

/// Rows with a cell for each column of the run, empty ones included.
fn aligned(run: Vec<Line>, rules: &[Rule]) -> Vec<Line> {
    if run.len() < 2 || run.len() > MOST_ROWS {
        return run;
    }
    let columns = columns(&run);
    let rows: Vec<Line> = run.into_iter().map(|line| in_columns(line, &columns)).collect();
    match blocks(&rows, rules) {
        Some(starts) => joined(rows, &starts),
        None => rows,
    }
}

/// Where the columns of a run are, left to right.
fn columns(run: &[Line]) -> Vec<(f32, f32)> {
    let overlaps = |a: &Cell, b: &Cell| a.left < b.right && a.right > b.left;
    let spans_two = |cell: &Cell| {
        run.iter().any(|line| line.cells.iter().filter(|other| overlaps(cell, other)).count() > 1)
    };
    let mut cells: Vec<&Cell> =
        run.iter().flat_map(|line| &line.cells).filter(|cell| !spans_two(cell)).collect();
    cells.sort_by(|a, b| a.left.total_cmp(&b.left));

    let mut columns: Vec<(f32, f32)> = Vec::new();
    for cell in cells {
        match columns.last_mut() {
            Some((_, right)) if cell.left < *right => *right = right.max(cell.right),
            _ => columns.push((cell.left, cell.right)),
        }
    }

    // Names on the left of a column and numbers on its right never stand in one row.
    let mut at = 1;
    while at < columns.len() {
        let left = columns[at - 1];
        let right = columns[at];
        let holds = |line: &Line, column: (f32, f32)| {
            line.cells.iter().any(|cell| cell.left < column.1 && cell.right > column.0)
        };
        if run.iter().any(|line| holds(line, left) && holds(line, right)) {
            at += 1;
        } else {
            columns[at - 1].1 = columns[at].1;
            columns.remove(at);
        }
    }
    columns
}

fn in_columns(mut line: Line, columns: &[(f32, f32)]) -> Line {
    let empty = |column: &(f32, f32)| Cell {
        left: column.0,
        right: column.1,
        text: String::new(),
        breaks: Vec::new(),
    };
    let mut cells: Vec<Cell> = columns.iter().map(empty).collect();
    for cell in line.cells {
        let overlap = |column: &Cell| column.right.min(cell.right) - column.left.max(cell.left);
        let first = cells.iter().position(|column| overlap(column) > 0.0);
        let Some(at) = first.or_else(|| nearest(&cells, &cell)) else { continue };
        if !cells[at].text.is_empty() {
            cells[at].text.push(' ');
        }
        cells[at].text.push_str(&cell.text);
    }
    line.cells = cells;
    line
}

fn nearest(columns: &[Cell], cell: &Cell) -> Option<usize> {
    let distance = |column: &Cell| (column.left - cell.left).abs();
    let numbered = columns.iter().enumerate();
    numbered.min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b))).map(|(at, _)| at)
}

/// Which lines begin a row, where rows have several lines: lines across the page divide them, or
/// larger gaps do.
fn blocks(rows: &[Line], rules: &[Rule]) -> Option<Vec<bool>> {
    let divided = |at: usize| {
        let left = rows[at].left();
        let right = rows[at].right();
        rules.iter().any(|rule| {
            rule.direction == Direction::Across
                && (rows[at].y..rows[at - 1].y).contains(&rule.at)
                && rule.to.min(right) - rule.from.max(left) > 0.5 * (right - left)
        })
    };
    let by_rules: Vec<bool> = (0..rows.len()).map(|at| at == 0 || divided(at)).collect();
    let count = by_rules.iter().filter(|starts| **starts).count();
    if count >= 3 && count < rows.len() && count * 4 >= rows.len() {
        return Some(by_rules);
    }

    let gaps: Vec<f32> = rows.windows(2).map(|pair| pair[0].y - pair[1].y).collect();
    let least = gaps.iter().copied().fold(f32::MAX, f32::min);
    let starts: Vec<bool> =
        (0..rows.len()).map(|at| at == 0 || gaps[at - 1] > ROW_GAP * least).collect();
    let filled = |line: &Line| line.cells.iter().filter(|cell| !cell.text.is_empty()).count();
    let is_row = |at: usize| filled(&rows[at]) > 1 && !rows[at].cells[0].text.is_empty();
    let goes_on = |cell: &Cell| cell.text.starts_with(char::is_lowercase);
    let is_part =
        |at: usize| filled(&rows[at]) < rows[at].cells.len() || rows[at].cells.iter().all(goes_on);
    let all = starts.iter().enumerate();
    let fits = all.clone().all(|(at, starts)| if *starts { is_row(at) } else { is_part(at) });
    let count = starts.iter().filter(|starts| **starts).count();
    (fits && count >= 2 && count < rows.len()).then_some(starts)
}

fn joined(rows: Vec<Line>, starts: &[bool]) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::new();
    for (row, starts) in rows.into_iter().zip(starts) {
        match joined.last_mut() {
            Some(open) if !starts => {
                for (cell, more) in open.cells.iter_mut().zip(row.cells) {
                    flow::append(&mut cell.text, &more.text);
                }
                open.y = row.y;
            }
            _ => joined.push(row),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells of a line, each with its place and width.
    fn line(y: f32, cells: &[(f32, f32, &str)]) -> Line {
        let cell = |(left, width, text): &(f32, f32, &str)| Cell {
            left: *left,
            right: left + width,
            text: (*text).to_owned(),
            breaks: Vec::new(),
        };
        let cells = cells.iter().map(cell).collect();
        Line { y, size: 10.0, bold: false, cells, row: false }
    }

    fn texts(lines: Vec<Line>) -> Vec<String> {
        mark(lines, &[]).iter().map(Line::text).collect()
    }

    #[test]
    fn empty_cells_keep_their_columns() {
        let lines = vec![
            line(
                100.0,
                &[
                    (0.0, 30.0, "Boat"),
                    (60.0, 30.0, "Berth"),
                    (120.0, 30.0, "Length"),
                    (180.0, 20.0, "Fee"),
                ],
            ),
            line(88.0, &[(0.0, 25.0, "Mira"), (120.0, 20.0, "11 m"), (180.0, 40.0, "640")]),
            line(76.0, &[(0.0, 25.0, "Nele"), (60.0, 20.0, "B-2"), (180.0, 40.0, "480")]),
            line(64.0, &[(60.0, 20.0, "C-1"), (120.0, 20.0, "7 m")]),
        ];
        assert_eq!(
            texts(lines),
            [
                "Boat | Berth | Length | Fee",
                "Mira |  | 11 m | 640",
                "Nele | B-2 |  | 480",
                "| | C-1 | 7 m"
            ]
        );
    }

    #[test]
    fn numbers_on_the_right_stand_below_the_name_on_the_left() {
        let lines = vec![
            line(100.0, &[(0.0, 30.0, "Item"), (100.0, 20.0, "Price"), (200.0, 30.0, "Stock")]),
            line(88.0, &[(0.0, 30.0, "Lamp"), (130.0, 15.0, "19"), (200.0, 10.0, "4")]),
            line(76.0, &[(0.0, 30.0, "Cord"), (130.0, 15.0, "99"), (200.0, 10.0, "7")]),
        ];
        assert_eq!(texts(lines), ["Item | Price | Stock", "Lamp | 19 | 4", "Cord | 99 | 7"]);
    }

    #[test]
    fn cells_of_several_lines_are_one_where_rows_stand_apart() {
        let lines = vec![
            line(
                100.0,
                &[(0.0, 60.0, "Inspection of"), (100.0, 60.0, "Brakes and"), (200.0, 30.0, "49")],
            ),
            line(88.0, &[(0.0, 60.0, "a city bike"), (100.0, 60.0, "gears, a test")]),
            line(76.0, &[(100.0, 30.0, "ride")]),
            line(56.0, &[(0.0, 60.0, "Wash"), (100.0, 60.0, "With wax"), (200.0, 30.0, "12")]),
        ];
        assert_eq!(
            texts(lines),
            [
                "Inspection of a city bike | Brakes and gears, a test ride | 49",
                "Wash | With wax | 12"
            ]
        );
    }

    #[test]
    fn a_line_of_text_is_no_row() {
        let lines = vec![
            line(100.0, &[(0.0, 30.0, "Item"), (100.0, 20.0, "Price")]),
            line(88.0, &[(0.0, 30.0, "Lamp"), (100.0, 15.0, "19")]),
            line(60.0, &[(0.0, 300.0, "Prices are in euros.")]),
        ];
        assert_eq!(texts(lines), ["Item | Price", "Lamp | 19", "Prices are in euros."]);
    }
}
