//! Tables as text: rows of cells divided by commas, semicolons, tabs or bars.

use csv::{ReaderBuilder, StringRecord, Trim};
use replyx_core::knowledge::DocumentKind;

use super::{
    Extracted, MAX_TEXT, Unreadable, encoding::decode, header::Header, html, writer::Writer,
};

/// What may divide cells, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of a file is looked at to find its delimiter, bytes.
const HEAD: usize = 64 * 1024;
/// A table has at most so many cells.
const MAX_CELLS: usize = 200_000;
/// Most pairs of question and answer in one table.
const MAX_PAIRS: usize = 50_000;

/// What the columns of questions and of answers are called.
const QUESTION: [&str; 9] = [
    "question",
    "questions",
    "q",
    "вопрос",
    "вопросы",
    "frage",
    "fragen",
    "pregunta",
    "question(s)",
];
const ANSWER: [&str; 10] = [
    "answer",
    "answers",
    "a",
    "ответ",
    "ответы",
    "antwort",
    "antworten",
    "respuesta",
    "réponse",
    "answer(s)",
];

/// Reads a table; its first row names the columns.
pub(super) fn csv(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let text = decode(bytes);
    let mut writer = Writer::new(DocumentKind::Csv);
    let mut header = Header::default();
    let mut cells = 0;
    let (told, text) = told_delimiter(&text);
    let delimiter = told.or_else(|| Some(sniff(text)?.delimiter)).unwrap_or(DELIMITERS[0]);
    for record in reader(text, delimiter).records() {
        let record = record.map_err(|_| Unreadable::Damaged)?;
        cells += record.len();
        if cells > MAX_CELLS || writer.is_full() || record.as_slice().len() > MAX_TEXT {
            return Err(Unreadable::TooLong);
        }
        // Shops export descriptions as pieces of pages.
        let shown = |cell: &str| html::value(cell).unwrap_or_else(|| cell.to_owned());
        let row: Vec<String> = record.iter().map(shown).collect();
        header.row(&row);
        writer.row(&row);
    }
    header.warn(None, &mut writer);
    writer.finish()
}

/// Excel's own first line, `sep=;`, which names the delimiter and is no row.
fn told_delimiter(text: &str) -> (Option<u8>, &str) {
    let bare = text.trim_start_matches('\u{FEFF}');
    let (line, rest) = bare.split_once('\n').unwrap_or((bare, ""));
    let line = line.trim_end_matches('\r').trim_matches('"');
    let is_told = line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    match line.as_bytes().get(4..) {
        Some(&[delimiter]) if is_told => (Some(delimiter), rest),
        Some([]) if is_told && line.len() == 4 => (None, rest),
        _ => (None, bare),
    }
}

/// The questions and answers of a table: two columns called so in English, Russian and some other
/// languages, or exactly two columns of any name, the first of which asks. Blank rows are left out.
///
/// # Errors
///
/// Returns [`Unreadable::NoPairs`] when there are no such columns, [`Unreadable::HalfPair`] for the
/// first row that lacks one of the two, [`Unreadable::Empty`] when there are no rows,
/// [`Unreadable::TooLong`] when there are too many.
pub fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, Unreadable> {
    if bytes.len() > MAX_TEXT {
        return Err(Unreadable::TooLong);
    }

    let text = decode(bytes);
    let (told, text) = told_delimiter(&text);
    let sniffed = || Some(sniff(text)?.delimiter);
    let delimiter = told.or_else(sniffed).ok_or(Unreadable::NoPairs)?;
    let mut columns = None;
    let mut found = Vec::new();
    for (index, record) in reader(text, delimiter).records().enumerate() {
        let record = record.map_err(|_| Unreadable::Damaged)?;
        if record.iter().all(str::is_empty) {
            continue;
        }

        if columns.is_none() {
            let named = named(&record);
            columns = named.or((record.len() == 2).then_some((0, 1)));
            if named.is_some() {
                continue;
            }
        }

        let (question, answer) = columns.ok_or(Unreadable::NoPairs)?;
        let cell = |column| super::plain::clean(record.get(column).unwrap_or_default());
        let question = cell(question);
        let answer = cell(answer);
        match (question.is_empty(), answer.is_empty()) {
            (true, true) => {}
            (false, false) => found.push((question, answer)),
            _ => return Err(Unreadable::HalfPair { row: index + 1 }),
        }

        if found.len() > MAX_PAIRS {
            return Err(Unreadable::TooLong);
        }
    }

    if found.is_empty() { Err(Unreadable::Empty) } else { Ok(found) }
}

/// Which columns are called question and answer.
fn named(header: &StringRecord) -> Option<(usize, usize)> {
    let column = |names: &[&str]| {
        header
            .iter()
            .position(|cell| names.contains(&cell.trim_end_matches(':').to_lowercase().as_str()))
    };
    Some((column(&QUESTION)?, column(&ANSWER)?))
}

/// How a text would look as a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// What divides cells.
    pub(crate) delimiter: u8,
    /// Cells in most rows, at least 2.
    pub(crate) columns: usize,
    /// Rows looked at.
    pub(crate) rows: usize,
    /// How many of a hundred rows have that many cells.
    pub(crate) regular: usize,
}

/// The delimiter that makes the most regular table of a text.
pub(crate) fn sniff(text: &str) -> Option<Shape> {
    let (told, text) = told_delimiter(text);
    if let Some(shape) = told.and_then(|delimiter| shape(text, delimiter)) {
        return Some(shape);
    }
    let mut end = text.len().min(HEAD);
    if end < text.len() {
        // Its last row may be cut off.
        end = text.as_bytes()[..end].iter().rposition(|byte| *byte == b'\n')?;
    }
    let head = &text[..end];
    DELIMITERS.into_iter().filter_map(|delimiter| shape(head, delimiter)).max_by_key(|shape| {
        (shape.regular >= 90, shape.columns.min(3), shape.regular, shape.columns)
    })
}

fn shape(head: &str, delimiter: u8) -> Option<Shape> {
    let rows: Vec<usize> = reader(head, delimiter)
        .records()
        .filter_map(Result::ok)
        .filter(|record| !record.iter().all(str::is_empty))
        .map(|record| record.len())
        .collect();
    let count = |columns: usize| rows.iter().filter(|row| **row == columns).count();
    let columns =
        rows.iter().copied().filter(|row| *row > 1).max_by_key(|columns| count(*columns))?;
    let regular = count(columns) * 100 / rows.len();
    Some(Shape { delimiter, columns, rows: rows.len(), regular })
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(Trim::All)
        .from_reader(text.trim_start_matches('\u{FEFF}').as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_found_and_quotes_are_obeyed() {
        for (table, expected) in [
            ("Зона,Цена\nГород,\"290,50\"\n", "Зона | Цена\n--- | ---\nГород | 290,50"),
            (
                "Zone;Price;Days\r\n\"a;\"\"b\"\"\";1,5;2\r\n;;\r\n",
                "Zone | Price | Days\n--- | --- | ---\na;\"b\" | 1,5 | 2",
            ),
            ("a\tb\n1, 2, 3\t4\n", "a | b\n--- | ---\n1, 2, 3 | 4"),
            ("sep=;\r\na;b\r\n1,5;2", "a | b\n--- | ---\n1,5 | 2"),
            (
                "Title,Body\nLamp,\"<p>Height: <b>31 cm</b></p><ul><li>E14 &ndash; no bulb</li></ul>\"",
                "Title | Body\n--- | ---\nLamp | Height: 31 cm; E14 – no bulb",
            ),
            ("a,b\n1 < 2,R&D", "a | b\n--- | ---\n1 < 2 | R&D"),
            ("\u{FEFF}a|b\n1|2\n", "a | b\n--- | ---\n1 | 2"),
            ("a,b\n\"two\nlines | here\",2", "a | b\n--- | ---\ntwo lines / here | 2"),
        ] {
            assert_eq!(csv(table.as_bytes()).unwrap().text, expected);
        }
        let old = encoding_rs::WINDOWS_1251.encode("Товар;Цена\nЧайник;290\nКружка;150").0;
        assert_eq!(csv(&old).unwrap().text, "Товар | Цена\n--- | ---\nЧайник | 290\nКружка | 150");
    }

    #[test]
    fn pairs_are_found_by_name_or_as_the_only_two_columns() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            pairs("№;Ответ;Вопрос\n1;Да;Есть ли доставка?\n;;\n2;Нет;А, б?\n".as_bytes()),
            Ok(vec![pair("Есть ли доставка?", "Да"), pair("А, б?", "Нет")])
        );
        assert_eq!(
            pairs(b"Open on Sunday?,\"Yes,\nfrom 10\"\n\nCards?,All of them\n"),
            Ok(vec![pair("Open on Sunday?", "Yes,\nfrom 10"), pair("Cards?", "All of them")])
        );
        assert_eq!(
            pairs(b"question,answer,tag\na,b,c\n,,\nd,,e\n"),
            Err(Unreadable::HalfPair { row: 4 })
        );
        assert_eq!(pairs(b"a,b,c\n1,2,3\n"), Err(Unreadable::NoPairs));
        assert_eq!(pairs(b"question,answer\n"), Err(Unreadable::Empty));
        assert_eq!(pairs(b"just text"), Err(Unreadable::NoPairs));
        assert_eq!(
            pairs(b"question,answer\nq,\n").unwrap_err().to_string(),
            "row 2 of the table has a question or an answer, but not both"
        );
    }

    #[test]
    fn too_many_cells_are_refused() {
        assert_eq!(csv("a,b,c,d\n".repeat(50_001).as_bytes()), Err(Unreadable::TooLong));
    }
}
