//! Lines become running text: headings, paragraphs, items, table rows.

use std::collections::HashMap;

use super::{super::Heading, Line};
use crate::columns::names_columns;

/// A line this much larger than the body's is a heading.
const LARGER: f32 = 1.15;
/// Headings are at most this long, characters.
const LONGEST_HEADING: usize = 150;
/// A distance this much over the usual one between lines begins a paragraph.
const PARAGRAPH_GAP: f32 = 1.3;
/// On this many pages at least a repeated line is a running one.
const MIN_REPEATS: usize = 3;
/// The sign where a word is broken and is not where it is whole.
const SOFT: char = '\u{AD}';
/// How many lines from a page's edge a running line may stand.
const EDGE: usize = 2;

/// Takes headers and footers away that repeat from page to page: a header stays on its first page
/// and a footer on its last, page numbers nowhere.
pub(super) fn drop_running_lines(pages: &mut [Vec<Line>]) {
    for top in [true, false] {
        let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, page) in pages.iter().enumerate() {
            for line in edge(page, top) {
                let on = seen.entry(running_key(&page[line])).or_default();
                if on.last() != Some(&number) {
                    on.push(number);
                }
            }
        }

        let enough = MIN_REPEATS.max(pages.len() * 3 / 5);
        seen.retain(|_, on| on.len() >= enough);

        for (number, page) in pages.iter_mut().enumerate() {
            let gone: Vec<usize> = edge(page, top)
                .filter(|line| {
                    let key = running_key(&page[*line]);
                    let kept =
                        |on: &Vec<usize>| if top { on.first() } else { on.last() } == Some(&number);
                    seen.get(&key).is_some_and(|on| is_page_number(&key) || !kept(on))
                })
                .collect();
            for line in gone.into_iter().rev() {
                page.remove(line);
            }
        }
    }
}

fn edge(page: &[Line], top: bool) -> std::ops::Range<usize> {
    if top { 0..page.len().min(EDGE) } else { page.len().saturating_sub(EDGE)..page.len() }
}

/// What lines that repeat have in common. Rows of a table differ in their numbers alone.
fn running_key(line: &Line) -> String {
    if line.row {
        return line.text();
    }
    line.text().chars().map(|c| if c.is_numeric() { '#' } else { c }).collect()
}

fn is_page_number(key: &str) -> bool {
    key.contains('#') && key.chars().filter(|c| c.is_alphabetic()).count() <= 6
}

/// The text, where each page begins in it, and its headings.
pub(super) fn write(pages: &[Vec<Line>]) -> (String, Vec<usize>, Vec<Heading>) {
    let mut writer = Writer::new(pages);
    for page in pages {
        writer.page(page);
    }
    writer.settle();
    let Writer { text, starts, headings, .. } = writer;
    (text, starts, headings)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Heading(u8),
    Paragraph,
    Item,
    Row,
}

struct Writer<'p> {
    style: Style,
    text: String,
    starts: Vec<usize>,
    headings: Vec<Heading>,
    /// The block that is being written and its last line.
    open: Option<(Block, &'p Line)>,
    /// How many rows of the table that is being written.
    rows: usize,
}

impl<'p> Writer<'p> {
    fn new(pages: &[Vec<Line>]) -> Self {
        let size =
            pages.iter().flatten().flat_map(|line| &line.cells).map(|c| c.text.len() + 3).sum();
        Self {
            style: Style::of(pages),
            text: String::with_capacity(size),
            starts: Vec::with_capacity(pages.len()),
            headings: Vec::new(),
            open: None,
            rows: 0,
        }
    }

    fn page(&mut self, lines: &'p [Line]) {
        let right = lines.iter().map(Line::right).fold(0.0, f32::max);
        let mut start = None;
        if lines.is_empty() {
            // The page begins where the text ends, which must not change any more.
            self.settle();
        }
        for line in lines {
            let text = line.text();
            let block = self.style.block(line, &text);
            let at = match self.open {
                Some((open, above)) if self.continues(open, above, block, line, &text, right) => {
                    let at = self.join(&text);
                    self.open = Some((open, line));
                    at
                }
                open => {
                    self.head(open, block, line);
                    self.begin(block);
                    self.open = Some((block, line));
                    self.text.push_str(&text);
                    self.text.len() - text.len()
                }
            };
            start.get_or_insert(at);
            if let (Some((Block::Heading(_), _)), Some(heading)) =
                (self.open, self.headings.last_mut())
            {
                heading.end = self.text.len();
            }
        }

        self.starts.push(start.unwrap_or(self.text.len()));
    }

    /// A word that is broken at the end of a block keeps its hyphen.
    fn settle(&mut self) {
        if self.text.ends_with(SOFT) {
            self.text.pop();
            self.text.push('-');
            if let Some(heading) = self.headings.last_mut() {
                heading.end = heading.end.min(self.text.len());
            }
        }
    }

    /// Draws the line below the first row of a table when that row names the columns, as it stands
    /// in tables of other formats.
    fn head(&mut self, open: Option<(Block, &'p Line)>, block: Block, line: &Line) {
        let is_row = block == Block::Row;
        match open {
            Some((Block::Row, above)) if is_row => {
                self.rows += 1;
                let cells = |line: &Line| line.cells.iter().map(|cell| cell.text.clone()).collect();
                if self.rows == 2 && names_columns(&[cells(above), cells(line)]) {
                    self.settle();
                    self.text.push('\n');
                    self.text.push_str(&vec!["---"; above.cells.len()].join(" | "));
                }
            }
            _ => self.rows = usize::from(is_row),
        }
    }

    fn begin(&mut self, block: Block) {
        self.settle();
        let close = matches!(
            (self.open, block),
            (Some((Block::Row, _)), Block::Row)
                | (Some((Block::Item | Block::Paragraph, _)), Block::Item)
        );
        if !self.text.is_empty() {
            self.text.push_str(if close { "\n" } else { "\n\n" });
        }
        if let Block::Heading(level) = block {
            let start = self.text.len();
            self.headings.push(Heading { start, end: start, level });
        }
    }

    fn continues(
        &self,
        open: Block,
        above: &Line,
        block: Block,
        line: &Line,
        text: &str,
        right: f32,
    ) -> bool {
        let unfinished = !ends_sentence(&self.text);
        let distance = above.y - line.y;
        let near = distance <= above.size * self.style.leading * PARAGRAPH_GAP;
        match (open, block) {
            (Block::Heading(a), Block::Heading(b)) => a == b && distance > 0.0 && near,
            (Block::Paragraph | Block::Item, Block::Paragraph) => {
                if distance <= 0.0 {
                    // The next column or page.
                    return unfinished && text.starts_with(|c: char| c.is_lowercase());
                }
                let indented =
                    open == Block::Paragraph && line.left() > above.left() + 0.8 * line.size;
                let short = above.right() < right - 0.25 * (right - above.left());
                near && !indented
                    && (above.size - line.size).abs() <= 0.1 * above.size
                    && (unfinished || !short)
            }
            _ => false,
        }
    }

    /// Writes a further line of the open block; returns where it begins.
    fn join(&mut self, text: &str) -> usize {
        append(&mut self.text, text);
        self.text.len() - text.len()
    }
}

/// Goes on with a text in its next line: words broken at the line's end are joined.
pub(super) fn append(text: &mut String, next: &str) {
    if !text.is_empty() && !next.is_empty() {
        match broken_word(text, next) {
            Some(Hyphen::Kept) => {}
            Some(Hyphen::Dropped) => {
                text.pop();
            }
            None => text.push(' '),
        }
    }
    text.push_str(next);
}

/// How the document looks where it is nothing special.
struct Style {
    body: f32,
    bold: bool,
    /// The usual distance of lines, in font sizes.
    leading: f32,
    /// The looks of its headings, the largest first.
    headings: Vec<(i32, bool)>,
}

impl Style {
    fn of(pages: &[Vec<Line>]) -> Self {
        let mut letters: HashMap<i32, usize> = HashMap::new();
        let mut bold = 0;
        let mut all = 0;
        for line in pages.iter().flatten() {
            let count: usize = line.cells.iter().map(|cell| cell.text.len()).sum();
            *letters.entry(halves(line.size)).or_default() += count;
            all += count;
            bold += if line.bold { count } else { 0 };
        }

        let body =
            letters.iter().max_by_key(|(size, count)| (**count, **size)).map_or(20, |(s, _)| *s);

        let mut gaps: Vec<f32> = pages
            .iter()
            .flat_map(|page| page.windows(2))
            .filter(|pair| halves(pair[0].size) == body && halves(pair[1].size) == body)
            .map(|pair| (pair[0].y - pair[1].y) / pair[0].size)
            .filter(|gap| (0.5..3.0).contains(gap))
            .collect();

        gaps.sort_by(f32::total_cmp);
        let leading = gaps.get(gaps.len() / 2).copied().unwrap_or(1.4);
        #[expect(clippy::cast_precision_loss, reason = "half points of a font, a small number")]
        let body = body as f32 / 2.0;
        let mut style = Self { body, bold: bold * 2 > all, leading, headings: Vec::new() };
        let mut looks: Vec<(i32, bool)> = pages
            .iter()
            .flatten()
            .filter(|line| style.is_heading(line, &line.text()))
            .map(|line| (halves(line.size), line.bold))
            .collect();

        looks.sort_unstable_by(|a, b| b.cmp(a));
        looks.dedup();
        style.headings = looks;

        style
    }

    fn is_heading(&self, line: &Line, text: &str) -> bool {
        let larger = line.size >= self.body * LARGER;
        let bolder = line.bold && !self.bold && line.size >= self.body * 0.95;
        !line.row
            && (larger
                || bolder && text.chars().count() <= 90 && !text.ends_with(['.', ',', ';', ':']))
            && text.chars().count() <= LONGEST_HEADING
            && text.contains(char::is_alphabetic)
    }

    fn block(&self, line: &Line, text: &str) -> Block {
        if line.row {
            Block::Row
        } else if self.is_heading(line, text) {
            let look = (halves(line.size), line.bold);
            let rank = self.headings.iter().position(|known| *known == look).unwrap_or(5).min(5);
            Block::Heading(u8::try_from(rank + 1).unwrap_or(6))
        } else if is_item(text) {
            Block::Item
        } else {
            Block::Paragraph
        }
    }
}

/// A font size in half points, for comparing.
#[expect(clippy::cast_possible_truncation, reason = "sizes are clamped to 1000 points")]
fn halves(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// Does a list's item begin here?
fn is_item(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(mark, _)| is_mark(mark))
}

/// Does this stand in front of a list's item?
pub(super) fn is_mark(mark: &str) -> bool {
    let number = mark.strip_suffix([')', '.']).unwrap_or_default();
    matches!(mark, "•" | "◦" | "▪" | "‣" | "·" | "-" | "–" | "—" | "*" | "●" | "○" | "■")
        || (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '»', '”', ')']).ends_with(['.', '!', '?', ':', ';', '…'])
}

enum Hyphen {
    Kept,
    Dropped,
}

/// Is a word broken between the end of `above` and the beginning of `below`, and is its hyphen its
/// own?
fn broken_word(above: &str, below: &str) -> Option<Hyphen> {
    let hyphen = above.chars().next_back().filter(|c| matches!(*c, '-' | '\u{2010}' | SOFT))?;
    let stem = &above[..above.len() - hyphen.len_utf8()];
    if hyphen == SOFT {
        return Some(Hyphen::Dropped);
    }
    if !stem.ends_with(char::is_alphabetic) {
        return None;
    }
    if !below.starts_with(char::is_lowercase) {
        return below.starts_with(char::is_alphanumeric).then_some(Hyphen::Kept);
    }
    let before =
        stem.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    let after = below.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let own = matches!(after, "то" | "либо" | "нибудь" | "ка" | "таки" | "за" | "под")
        || matches!(before.as_str(), "кое" | "по" | "во" | "self" | "non" | "e")
        || stem.ends_with(|c: char| c.is_uppercase());
    Some(if own { Hyphen::Kept } else { Hyphen::Dropped })
}

#[cfg(test)]
mod tests {
    use super::{super::Cell, *};

    fn line(y: f32, size: f32, text: &str) -> Line {
        let cells =
            vec![Cell { left: 50.0, right: 300.0, text: text.to_owned(), breaks: Vec::new() }];
        Line { y, size, bold: false, cells, row: false }
    }

    #[test]
    fn words_broken_at_line_ends_are_joined() {
        let page = vec![
            line(700.0, 10.0, "Способ опла-"),
            line(688.0, 10.0, "ты выбирает кто-"),
            line(676.0, 10.0, "то из вас, см. IP-"),
            line(664.0, 10.0, "адрес и 10-"),
            line(652.0, 10.0, "й раздел"),
        ];
        let (text, _, _) = write(&[page]);
        assert_eq!(text, "Способ оплаты выбирает кто-то из вас, см. IP-адрес и 10- й раздел");
    }

    #[test]
    fn a_paragraph_goes_on_over_the_page_and_the_page_begins_inside_it() {
        let first = vec![line(100.0, 10.0, "The parcel waits for seven")];
        let second = vec![line(700.0, 10.0, "days at the point."), line(660.0, 10.0, "Next.")];
        let (text, pages, _) = write(&[first, second, Vec::new()]);
        assert_eq!(text, "The parcel waits for seven days at the point.\n\nNext.");
        assert_eq!(pages, [0, 27, text.len()]);
    }

    #[test]
    fn running_lines_stay_once() {
        let mut pages: Vec<Vec<Line>> = (1..=4)
            .map(|n| {
                vec![
                    line(800.0, 8.0, "Handbook"),
                    line(700.0, 10.0, &format!("Body {}", ["a", "b", "c", "d"][n - 1])),
                    line(600.0, 10.0, &format!("More {}", ["e", "f", "g", "h"][n - 1])),
                    line(20.0, 8.0, &format!("Page {n}")),
                ]
            })
            .collect();
        drop_running_lines(&mut pages);
        let (text, _, _) = write(&pages);
        assert_eq!(text.matches("Handbook").count(), 1);
        assert_eq!(text.matches("Page").count(), 0);
        assert_eq!(text.matches("Body").count(), 4);
    }

    #[test]
    fn large_lines_are_headings_with_levels() {
        let body = "Text of the body that is long enough to be the most.";
        let page = vec![
            line(700.0, 20.0, "Title"),
            line(660.0, 14.0, "Chapter"),
            line(640.0, 10.0, body),
            line(628.0, 10.0, body),
        ];
        let (text, _, headings) = write(&[page]);
        let found: Vec<(&str, u8)> =
            headings.iter().map(|h| (&text[h.start..h.end], h.level)).collect();
        assert_eq!(found, [("Title", 1), ("Chapter", 2)]);
    }

    #[test]
    fn nothing_makes_nothing() {
        assert_eq!(write(&[]).0, "");
        assert_eq!(super::super::write(vec![Vec::new()]).1, [0]);
    }
}
