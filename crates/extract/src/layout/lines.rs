//! Words at one height become a line, and its wide gaps divide it into cells.

use super::{
    Break, Cell, Line, Span,
    bidi::{self, Piece},
    flow,
    words::WORD_GAP,
};

/// A gap this wide, in font sizes, is no space between words.
const CELL_GAP: f32 = 1.0;
/// A gap this wide, in font sizes, divides cells where the rows around it have cells at the same
/// places.
const NARROW_GAP: f32 = 0.33;

/// Spans at one height, left to right; heights from the top.
pub(super) fn rows(mut spans: Vec<Span>) -> Vec<Vec<Span>> {
    spans.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut rows: Vec<(f32, f32, Vec<Span>)> = Vec::new();
    for span in spans {
        match rows.last_mut() {
            Some((y, size, row)) if *y - span.y < 0.5 * size.max(span.size) => {
                // A raised sign comes first and is not what the row stands on.
                if span.size > *size * 1.2 {
                    (*y, *size) = (span.y, span.size);
                }
                row.push(span);
            }
            _ => rows.push((span.y, span.size, vec![span])),
        }
    }
    rows.into_iter()
        .map(|(_, _, mut row)| {
            row.sort_by(|a, b| a.x.total_cmp(&b.x));
            // Some programs print a letter twice to make it bold or to give it a shadow.
            row.dedup_by(|a, b| {
                a.text == b.text
                    && (a.x - b.x).abs() < 0.2 * a.size.min(a.width)
                    && (a.y - b.y).abs() < 0.2 * a.size
            });
            row
        })
        .collect()
}

/// Joins a row's spans; never called with an empty row.
pub(super) fn line(row: Vec<Span>) -> Line {
    let longest = row.iter().max_by_key(|span| span.text.len());
    let (y, size) = longest.map_or((0.0, 1.0), |span| (span.y, span.size));
    let bold = row.iter().all(|span| span.bold);
    let mut cells: Vec<Vec<Span>> = Vec::new();
    let mut right = f32::MIN;
    for span in row {
        match cells.last_mut() {
            Some(cell) if span.x - right <= CELL_GAP * size => {
                right = right.max(span.right());
                cell.push(span);
            }
            _ => {
                right = span.right();
                cells.push(vec![span]);
            }
        }
    }

    let mut cells: Vec<Cell> = cells.into_iter().map(|spans| cell(spans, size)).collect();
    if cells.len() == 2 && flow::is_mark(&cells[0].text) {
        let mark = cells.remove(0);
        cells[0].left = mark.left;
        cells[0].text.insert_str(0, &format!("{} ", mark.text));
        cells[0].breaks.clear();
    }
    Line { y, size, bold, cells, row: false }
}

/// Joins the spans of a cell; never called without any.
fn cell(spans: Vec<Span>, size: f32) -> Cell {
    let left = spans.first().map_or(0.0, |span| span.x);
    let right = spans.iter().map(Span::right).fold(left, f32::max);
    if spans.iter().any(|span| span.text.chars().any(bidi::is_rtl)) {
        let text = bidi::logical(pieces(spans, size));
        return Cell { left, right, text, breaks: Vec::new() };
    }

    let mut cell = Cell { left, right: left, text: String::new(), breaks: Vec::new() };
    let mut base: Option<Span> = None;
    for span in spans {
        let gap = span.x - cell.right;
        if !cell.text.is_empty() && is_spaced(&span, gap, size) {
            cell.text.push(' ');
        } else if base.as_ref().is_some_and(|base| is_power(base, &span, &cell.text)) {
            cell.text.push('^');
        }
        if !cell.text.is_empty() && gap > NARROW_GAP * size {
            cell.breaks.push(Break { at: cell.text.len(), left: cell.right, right: span.x });
        }
        cell.text.push_str(&span.text);
        cell.right = cell.right.max(span.right());
        base = match base {
            Some(base) if span.size < 0.85 * base.size => Some(base),
            _ => Some(span),
        };
    }

    // Where a break is must stay true, so only ends are trimmed of a cell that has some.
    if cell.breaks.is_empty() {
        cell.text = cell.text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    cell
}

/// Is there a blank in front of a span?
fn is_spaced(span: &Span, gap: f32, size: f32) -> bool {
    gap > WORD_GAP * size || span.spaced && gap > -0.25 * size
}

/// Is a number raised above the letter or digit in front of it? Without a sign between them it
/// would be a part of that number.
fn is_power(base: &Span, raised: &Span, before: &str) -> bool {
    raised.size < 0.85 * base.size
        && raised.y > base.y + 0.15 * base.size
        && raised.text.starts_with(|c: char| c.is_ascii_digit())
        && before.ends_with(char::is_alphanumeric)
        && !before.ends_with('^')
}

/// The spans of a line with the blanks between them. Blanks of the file do not count: which side of
/// a letter they are on depends on the program that wrote it.
fn pieces(spans: Vec<Span>, size: f32) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for span in spans {
        let left = span.x;
        let right = span.right();
        let edge = pieces.last().map_or(left, |last| last.right);
        if left - edge > WORD_GAP * size {
            pieces.push(Piece { text: " ".to_owned(), left: edge, right: left });
        }
        pieces.extend(bidi::parts(&span.text, left, right));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{
        super::{columns, table},
        *,
    };

    fn span(x: f32, y: f32, width: f32, text: &str) -> Span {
        let text = text.to_owned();
        Span { x, y, width, size: 10.0, bold: false, text, spaced: false }
    }

    fn texts(spans: Vec<Span>) -> Vec<String> {
        columns::read(spans, Vec::new(), &[]).iter().map(Line::text).collect()
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
    fn a_raised_number_does_not_melt_into_the_one_before_it() {
        let raised = |x: f32, text: &str| Span { y: 103.5, size: 6.0, ..span(x, 100.0, 3.5, text) };
        let spans = vec![
            span(0.0, 100.0, 30.0, "from"),
            span(33.0, 100.0, 17.0, "300"),
            raised(50.0, "1"),
            span(58.0, 100.0, 30.0, "euros"),
        ];
        assert_eq!(texts(spans), ["from 300^1 euros"]);

        let ordinal = vec![span(0.0, 100.0, 6.0, "1"), raised(6.0, "st")];
        assert_eq!(texts(ordinal), ["1st"]);
    }

    #[test]
    fn a_mark_and_its_item_are_one_cell() {
        let item = |y: f32, mark: &str, text: &str| {
            vec![span(0.0, y, 8.0, mark), span(30.0, y, 90.0, text)]
        };
        let spans = [item(100.0, "1.", "Unpack it"), item(88.0, "2.", "Plug it in")].concat();
        assert_eq!(texts(spans), ["1. Unpack it", "2. Plug it in"]);
        assert_eq!(table::mark(Vec::new(), &[]).len(), 0);
    }
}
