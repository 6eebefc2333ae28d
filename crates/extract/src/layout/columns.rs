//! Columns of running text, which are read one after the other.

use std::ops::Range;

use super::{Direction, Line, Rule, Span, cells::Table, lines, prose, table};

/// An empty strip between columns is at least this wide, in font sizes.
const GUTTER: f32 = 0.8;
/// A line crosses a strip if it goes on this far on both sides, points.
const CROSSES: f32 = 8.0;
/// A column has at least this many lines.
const MIN_LINES: usize = 3;
/// Columns inside columns are looked for this deep.
const DEEPEST: usize = 4;
/// A page with more rows than this is no page; it is read across.
const MOST_ROWS: usize = 500;
/// A distance of this many font sizes ends columns when only one of them goes on.
const FAR: f32 = 3.0;

/// What stands at one height.
struct Row {
    y: f32,
    spans: Vec<Span>,
    table: Option<Table>,
}

impl Row {
    /// The stretches that are not empty.
    fn filled(&self) -> impl Iterator<Item = (f32, f32)> {
        let table = self.table.iter().map(|table| (table.left, table.right));
        self.spans.iter().map(|span| (span.x, span.right())).chain(table)
    }

    fn size(&self) -> f32 {
        self.spans.iter().map(|span| span.size).fold(1.0, f32::max)
    }
}

/// Lines in reading order.
pub(super) fn read(spans: Vec<Span>, tables: Vec<Table>, rules: &[Rule]) -> Vec<Line> {
    zone(spans, tables, rules, 0)
}

fn zone(spans: Vec<Span>, tables: Vec<Table>, rules: &[Rule], depth: usize) -> Vec<Line> {
    let mut rows = rows(spans, tables);
    let mut lines = Vec::new();
    let mut across: Vec<Line> = Vec::new();
    let is_divisible = depth < DEEPEST && rows.len() <= MOST_ROWS;
    while !rows.is_empty() {
        let found = if is_divisible { first_band(&rows, rules) } else { None };
        let (before, strips) = match found {
            Some((band, strips)) => {
                let rest = rows.split_off(band.end);
                let band = rows.split_off(band.start);
                (std::mem::replace(&mut rows, rest), Some((band, strips)))
            }
            None => (std::mem::take(&mut rows), None),
        };

        for row in before {
            if !row.spans.is_empty() {
                across.push(lines::line(row.spans));
            }
            if let Some(table) = row.table {
                lines.extend(table::mark(std::mem::take(&mut across), rules));
                lines.extend(table.rows);
            }
        }
        lines.extend(table::mark(std::mem::take(&mut across), rules));

        if let Some((band, strips)) = strips {
            for (spans, tables) in divided(band, &strips) {
                lines.extend(zone(spans, tables, rules, depth + 1));
            }
        }
    }

    lines
}

/// Rows from the top. A table stands at the height of its upper edge.
fn rows(spans: Vec<Span>, tables: Vec<Table>) -> Vec<Row> {
    let mut rows: Vec<Row> = lines::rows(spans)
        .into_iter()
        .map(|spans| Row { y: spans.first().map_or(0.0, |span| span.y), spans, table: None })
        .collect();
    rows.extend(tables.into_iter().map(|table| Row {
        y: table.top,
        spans: Vec::new(),
        table: Some(table),
    }));
    rows.sort_by(|a, b| b.y.total_cmp(&a.y));
    rows
}

/// The first run of rows that stand in columns of text, and the middles of the strips between them.
fn first_band(rows: &[Row], rules: &[Rule]) -> Option<(Range<usize>, Vec<f32>)> {
    let mut start = 0;
    while start + MIN_LINES <= rows.len() {
        let (end, strips) = band(rows, start);
        match shape(&rows[start..end], &strips, rules) {
            Shape::Columns => return Some((start..end, strips)),
            Shape::Rows => start = end,
            Shape::Other => start += 1,
        }
    }
    None
}

/// How far down the strips go that are empty in a row and the next one, and which go furthest.
fn band(rows: &[Row], start: usize) -> (usize, Vec<f32>) {
    let first = rows[start..].iter().take(2);
    let gutter = GUTTER * first.clone().map(Row::size).fold(f32::MAX, f32::min);
    let mut strips = gaps(first.flat_map(Row::filled).collect(), gutter);
    if strips.is_empty() {
        return (start, Vec::new());
    }

    let mut end = start + 1;
    for (row, above) in rows[start + 1..].iter().zip(&rows[start..]) {
        let left: Vec<(f32, f32)> =
            strips.iter().filter_map(|strip| still_empty(*strip, row, gutter)).collect();
        let is_one_sided =
            left.iter().all(|strip| row.filled().all(|part| part.1 <= strip.0 + 0.1));
        let is_far = above.y - row.y > FAR * row.size().max(above.size());
        if left.is_empty() || is_far && is_one_sided {
            break;
        }
        strips = left;
        end += 1;
    }
    (end, strips.into_iter().map(|(left, right)| f32::midpoint(left, right)).collect())
}

/// The empty strips between stretches.
fn gaps(mut filled: Vec<(f32, f32)>, gutter: f32) -> Vec<(f32, f32)> {
    filled.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut gaps = Vec::new();
    let mut right: Option<f32> = None;
    for part in filled {
        if let Some(edge) = right
            && part.0 - edge >= gutter
        {
            gaps.push((edge, part.0));
        }
        right = Some(right.map_or(part.1, |edge| edge.max(part.1)));
    }
    gaps
}

/// What is left of a strip below a row; nothing if it became too narrow.
fn still_empty(strip: (f32, f32), row: &Row, gutter: f32) -> Option<(f32, f32)> {
    let (mut left, mut right) = strip;
    for (from, to) in row.filled() {
        if to <= left || from >= right {
            continue;
        }
        let middle = f32::midpoint(left, right);
        if from < middle && to > middle {
            return None;
        }
        if to <= middle {
            left = to;
        } else {
            right = from;
        }
    }
    (right - left >= gutter).then_some((left, right))
}

/// What rows with strips between them are.
enum Shape {
    Columns,
    /// A table whose cells are text.
    Rows,
    Other,
}

/// Columns of text run on. A table has strips as well, but its cells do not, and lines may cross
/// its strips.
fn shape(rows: &[Row], strips: &[f32], rules: &[Rule]) -> Shape {
    if rows.len() < MIN_LINES || strips.is_empty() {
        return Shape::Other;
    }
    let top = rows[0].y + rows[0].size();
    let bottom = rows[rows.len() - 1].y;
    let crossing = rules.iter().filter(|rule| {
        rule.direction == Direction::Across
            && (bottom..top).contains(&rule.at)
            && strips.iter().any(|x| rule.from < x - CROSSES && rule.to > x + CROSSES)
    });
    if crossing.count() >= 2 {
        return Shape::Other;
    }

    let mut columns: Vec<Vec<Line>> = vec![Vec::new(); strips.len() + 1];
    for row in rows {
        let mut parts: Vec<Vec<Span>> = vec![Vec::new(); strips.len() + 1];
        for span in &row.spans {
            parts[column_of(span.x, strips)].push(span.clone());
        }
        for (column, part) in columns.iter_mut().zip(parts) {
            if !part.is_empty() {
                column.push(lines::line(part));
            }
        }
    }
    let runs_on = columns.iter().all(|lines| {
        let lines: Vec<Line> = lines.iter().map(Line::as_text).collect();
        prose::is_prose(&prose::texts(&lines))
    });
    if !runs_on {
        Shape::Other
    } else if has_row_starts(&columns) {
        Shape::Rows
    } else {
        Shape::Columns
    }
}

/// Do the columns begin again at the same heights and end at different ones? Those are the rows of
/// a table without borders.
fn has_row_starts(columns: &[Vec<Line>]) -> bool {
    let blocks: Vec<Vec<(f32, f32)>> = columns.iter().map(|lines| blocks(lines)).collect();
    let count = blocks[0].len();
    if count < 3 || blocks.iter().any(|column| column.len() != count) {
        return false;
    }
    let starts = |at: usize| blocks.iter().all(|c| (c[at].0 - blocks[0][at].0).abs() < 2.0);
    let is_ragged = |at: usize| blocks.iter().any(|c| (c[at].1 - blocks[0][at].1).abs() > 6.0);
    let ragged = (0..count).filter(|at| is_ragged(*at)).count();
    (0..count).all(starts) && ragged * 3 >= count
}

/// The heights at which paragraphs begin and end.
fn blocks(lines: &[Line]) -> Vec<(f32, f32)> {
    let mut blocks: Vec<(f32, f32)> = Vec::new();
    let mut gaps: Vec<f32> = lines.windows(2).map(|pair| pair[0].y - pair[1].y).collect();
    gaps.sort_by(f32::total_cmp);
    let usual = gaps.get(gaps.len() / 4).copied().unwrap_or(0.0);
    for line in lines {
        match blocks.last_mut() {
            Some((_, end)) if *end - line.y < 1.25 * usual => *end = line.y,
            _ => blocks.push((line.y, line.y)),
        }
    }
    blocks
}

fn column_of(x: f32, strips: &[f32]) -> usize {
    strips.iter().filter(|strip| x > **strip).count()
}

/// The words and tables of each column.
fn divided(band: Vec<Row>, strips: &[f32]) -> Vec<(Vec<Span>, Vec<Table>)> {
    let mut columns: Vec<(Vec<Span>, Vec<Table>)> = Vec::new();
    columns.resize_with(strips.len() + 1, Default::default);
    for row in band {
        for span in row.spans {
            columns[column_of(span.x, strips)].0.push(span);
        }
        if let Some(table) = row.table {
            columns[column_of(table.left, strips)].1.push(table);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(x: f32, y: f32, width: f32, text: &str) -> Span {
        let text = text.to_owned();
        Span { x, y, width, size: 10.0, bold: false, text, spaced: false }
    }

    fn texts(spans: Vec<Span>) -> Vec<String> {
        read(spans, Vec::new(), &[]).iter().map(Line::text).collect()
    }

    /// Lines of a column, from this height down.
    fn column(x: f32, top: f32, width: f32, lines: &[&str]) -> Vec<Span> {
        let mut y = top + 12.0;
        lines
            .iter()
            .map(|line| {
                y -= 12.0;
                span(x, y, width, line)
            })
            .collect()
    }

    const LEFT: [&str; 4] =
        ["We deliver to", "every house of", "the town on the", "next working day."];
    const RIGHT: [&str; 4] =
        ["A parcel that is", "not taken in goes", "to the shop, where it", "waits for a week."];

    #[test]
    fn columns_are_read_one_after_the_other_whatever_their_width() {
        for (at, width) in [(310.0, 240.0), (200.0, 350.0)] {
            let mut spans = vec![span(50.0, 800.0, 500.0, "A title across the page")];
            spans.extend(column(50.0, 780.0, at - 70.0, &LEFT));
            spans.extend(column(at, 777.0, width, &RIGHT));
            let mut wanted = vec!["A title across the page"];
            wanted.extend(LEFT);
            wanted.extend(RIGHT);
            assert_eq!(texts(spans), wanted);
        }
    }

    #[test]
    fn three_columns_are_three() {
        let spans = [
            column(50.0, 780.0, 140.0, &LEFT),
            column(220.0, 780.0, 140.0, &RIGHT),
            column(390.0, 780.0, 140.0, &LEFT),
        ];
        assert_eq!(texts(spans.concat()), [LEFT, RIGHT, LEFT].concat());
    }

    #[test]
    fn a_table_is_read_row_by_row() {
        let mut spans = Vec::new();
        for i in 0..10_u8 {
            let y = 780.0 - 12.0 * f32::from(i);
            spans.push(span(50.0, y, 140.0, &format!("Repair of kind {i}")));
            spans.push(span(300.0, y, 30.0, &format!("{i} EUR")));
        }
        assert_eq!(texts(spans)[3], "Repair of kind 3 | 3 EUR");
    }

    #[test]
    fn answers_stay_beside_their_questions() {
        let mut spans = Vec::new();
        for i in 0..4_u8 {
            let y = 780.0 - 60.0 * f32::from(i);
            spans.extend(column(
                50.0,
                y,
                200.0,
                &["May I give back what I", "bought without a bill?"],
            ));
            spans.extend(column(
                300.0,
                y,
                200.0,
                &["Yes, we find what you", "bought by your card, it", "takes ten days."],
            ));
        }
        assert_eq!(
            texts(spans)[0],
            "May I give back what I bought without a bill? | Yes, we find what you bought by your card, it takes ten days."
        );
    }
}
