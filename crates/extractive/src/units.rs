//! A source taken apart into what can be quoted: sentences, list items and table rows, each with
//! the headings it stands under.

use replyx_text::clauses;

use super::{inline::plain, sentences::sentences};
use crate::Source;

/// Sources beyond these bounds are not read: an answer must not take long, whatever it is given.
const MOST_SOURCES: usize = 16;
const MOST_UNITS: usize = 2_000;
/// A heading says what it says in its beginning, characters.
const LONGEST_HEADING: usize = 200;
const LONGEST_SOURCE: usize = 8 * 1024;
/// A clause of a contract is quoted whole up to this length, characters.
const LONGEST_CLAUSE: usize = 300;
/// So many columns of a table have names.
const MOST_COLUMNS: usize = 200;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sentence,
    Item,
    Row,
}

/// The smallest thing that is quoted whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// Which source it is from.
    pub(super) source: usize,
    /// Units of one paragraph, list or table share this number.
    pub(super) block: usize,
    /// Title and headings above it.
    pub(super) headings: String,
    /// The unit that introduces it: `We accept:` before a list, a question before its answer.
    pub(super) intro: Option<usize>,
}

impl Unit {
    /// Is it a question, as in a list of frequent ones? It says what is asked, never the answer.
    pub(super) fn asks(&self) -> bool {
        self.text.ends_with(['?', '？'])
    }
}

/// Takes the sources apart.
pub(super) fn units(sources: &[Source]) -> Vec<Unit> {
    let mut reading = Reading::default();
    for (number, source) in sources.iter().take(MOST_SOURCES).enumerate() {
        reading.source(number, source);
    }
    reading.units.truncate(MOST_UNITS);
    reading.units
}

#[derive(Default)]
struct Reading {
    units: Vec<Unit>,
    source: usize,
    block: usize,
    above: String,
    inner: Vec<(usize, String)>,
    intro: Option<usize>,
    /// The columns of the table that the source begins in the middle of.
    columns: Vec<String>,
}

impl Reading {
    fn source(&mut self, number: usize, source: &Source) {
        self.source = number;
        let header = source.headings.last().filter(|heading| heading.contains(" | "));
        self.columns = header.map(|header| cells(header)).unwrap_or_default();
        let headings = &source.headings[..source.headings.len() - usize::from(header.is_some())];
        let above = std::iter::once(&source.title).chain(headings).take(8);
        self.above = above.map(|line| beginning(line)).collect::<Vec<_>>().join("\n");
        self.inner.clear();
        self.intro = None;
        let end = source.text.floor_char_boundary(LONGEST_SOURCE);
        let lines: Vec<&str> = source.text[..end].lines().map(unquoted).collect();
        let mut at = 0;
        while at < lines.len() && self.units.len() < MOST_UNITS {
            at += self.block_at(&lines[at..]);
        }
    }

    /// Reads the block that the lines begin with; returns how many lines it took.
    fn block_at(&mut self, lines: &[&str]) -> usize {
        let line = lines[0].trim();
        if line.is_empty() || is_rule(line) || line.starts_with("```") {
            return 1;
        }
        if let Some((level, text)) = heading(line, lines.get(1).copied()) {
            self.intro = None;
            self.inner.retain(|(above, _)| *above < level);
            let underlined = !line.starts_with('#') && level < 3;
            self.inner.push((level, beginning(&plain(text)).to_owned()));
            return if underlined { 2 } else { 1 };
        }
        self.block += 1;
        if is_table(lines) {
            let columns = cells(lines[0]);
            return 2 + self.rows(&columns, &lines[2..]);
        }
        if is_row(line) {
            let columns = std::mem::take(&mut self.columns);
            return self.rows(&columns, lines);
        }
        self.columns.clear();
        if let Some(taken) = self.clause(lines) {
            return taken;
        }
        if item(line).is_some() {
            return self.list(lines);
        }
        self.paragraph(lines)
    }

    /// Reads the rows that the lines begin with; returns how many there are. A row is quoted with
    /// the names of its columns where they are known.
    fn rows(&mut self, columns: &[String], lines: &[&str]) -> usize {
        let mut taken = 0;
        for row in lines.iter().take_while(|line| line.contains('|')) {
            taken += 1;
            let named = cells(row).into_iter().enumerate().filter(|(_, cell)| !cell.is_empty());
            let text: Vec<String> = named
                .map(|(column, cell)| match columns.get(column).filter(|name| !name.is_empty()) {
                    Some(name) => format!("{name}: {cell}"),
                    None => cell,
                })
                .collect();
            self.push(Kind::Row, text.join("; "));
        }
        self.intro = None;
        taken
    }

    /// Reads a clause with a number, which is part of what it says: a customer asks for `2.3`.
    fn clause(&mut self, lines: &[&str]) -> Option<usize> {
        clauses::mark(lines[0])?;
        let goes_on = |line: &&&str| {
            let line = line.trim();
            !line.is_empty()
                && clauses::mark(line).is_none()
                && item(line).is_none()
                && !is_row(line)
                && !line.starts_with('#')
        };
        let taken = 1 + lines[1..].iter().take_while(goes_on).count();
        let text = plain(&lines[..taken].join("\n"));

        if text.chars().count() > LONGEST_CLAUSE {
            self.prose(&text);
            return Some(taken);
        }
        let pushed = self.push(Kind::Item, text.clone());
        if let Some(intro) = pushed.filter(|_| text.ends_with(':')) {
            self.intro = Some(intro);
        }
        Some(taken + self.points(&lines[taken..]))
    }

    /// Reads the points `a)`, `b)` of the clause above them; returns how many lines they take.
    fn points(&mut self, lines: &[&str]) -> usize {
        let is_point = |line: &&&str| {
            clauses::mark(line).is_some_and(|(mark, _)| {
                !clauses::number(mark).contains(|c: char| c.is_ascii_digit())
            })
        };
        let points = lines.iter().take_while(is_point).count();
        for line in &lines[..points] {
            self.push(Kind::Item, plain(line));
        }
        points
    }

    fn list(&mut self, lines: &[&str]) -> usize {
        let mut items: Vec<String> = Vec::new();
        let mut taken = 0;
        for line in lines {
            if !items.is_empty() && clauses::mark(line).is_some() {
                break;
            }
            if let Some(text) = item(line.trim()) {
                items.push(text.to_owned());
            } else if line.starts_with([' ', '\t']) && !line.trim().is_empty() {
                let last = items.last_mut().expect("the first line is an item");
                last.push(' ');
                last.push_str(line.trim());
            } else {
                break;
            }
            taken += 1;
        }
        for text in items {
            self.push(Kind::Item, plain(&text));
        }
        self.intro = None;
        taken
    }

    fn paragraph(&mut self, lines: &[&str]) -> usize {
        let ends = |at: usize| {
            let line = lines[at].trim();
            line.is_empty()
                || heading(line, lines.get(at + 1).copied()).is_some()
                || item(line).is_some()
                || clauses::mark(line).is_some()
                || is_table(&lines[at..])
                || is_row(line)
                || line.starts_with("```")
        };

        let taken = (1..lines.len()).find(|at| ends(*at)).unwrap_or(lines.len());
        let lines = &lines[..taken];
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let mut paragraph = String::new();
        for line in lines {
            let line = line.trim();
            if !paragraph.is_empty() && stands_alone(&paragraph, line, width) {
                self.prose(&paragraph);
                paragraph.clear();
            }
            if !paragraph.is_empty() {
                paragraph.push('\n');
            }
            paragraph.push_str(line);
        }

        self.prose(&paragraph);
        taken
    }

    fn prose(&mut self, paragraph: &str) {
        let text = plain(paragraph);
        for sentence in sentences(&text) {
            let pushed = self.push(Kind::Sentence, sentence.to_owned());
            let introduces = |unit: &usize| sentence.ends_with(':') || self.units[*unit].asks();
            if let Some(intro) = pushed.filter(introduces) {
                self.intro = Some(intro);
            }
        }
    }

    /// Adds a unit, if it says anything, and returns its place.
    fn push(&mut self, kind: Kind, text: String) -> Option<usize> {
        if !text.chars().any(char::is_alphanumeric) {
            return None;
        }
        let inner = self.inner.iter().map(|(_, heading)| heading.as_str());
        let headings =
            std::iter::once(self.above.as_str()).chain(inner).collect::<Vec<_>>().join("\n");
        let intro = self.intro.filter(|intro| {
            self.units[*intro].source == self.source && self.block - self.units[*intro].block <= 1
        });
        self.units.push(Unit {
            text,
            kind,
            source: self.source,
            block: self.block,
            headings,
            intro,
        });
        Some(self.units.len() - 1)
    }
}

/// Within a paragraph, does this line begin something new, as in a list of facts without list
/// marks? Wrapped text fills its lines; a fact of its own ends where it ends.
fn stands_alone(paragraph: &str, line: &str, width: usize) -> bool {
    let before = paragraph.rsplit('\n').next().unwrap_or(paragraph);
    let begins = line.chars().next().is_some_and(|c| !c.is_lowercase());
    begins && (before.ends_with(':') || before.chars().count() * 10 < width.max(40) * 7)
}

fn beginning(heading: &str) -> &str {
    let end = heading.char_indices().nth(LONGEST_HEADING).map_or(heading.len(), |(at, _)| at);
    &heading[..end]
}

fn unquoted(line: &str) -> &str {
    line.strip_prefix('>').map_or(line, str::trim_start)
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '*' | '_' | '=' | ' '))
}

fn heading<'a>(line: &'a str, next: Option<&str>) -> Option<(usize, &'a str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&level) && line[level..].starts_with(' ') {
        return Some((level, line[level..].trim().trim_end_matches('#').trim_end()));
    }
    let underline = next.unwrap_or_default().trim();
    if underline.len() >= 3 && !line.contains('|') {
        if underline.bytes().all(|byte| byte == b'=') {
            return Some((1, line));
        }
        if underline.bytes().all(|byte| byte == b'-') {
            return Some((2, line));
        }
    }
    if underline.is_empty() && is_shouted(line) {
        return Some((5, line));
    }
    let bold = line.strip_prefix("**")?.strip_suffix("**")?;
    (!bold.contains("**") && !bold.ends_with(['.', '!', '?'])).then_some((6, bold))
}

/// A line of capitals alone is how plain text writes a heading.
fn is_shouted(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 4
        && line.chars().count() <= 80
        && line.chars().all(|c| !c.is_alphabetic() || c.is_uppercase())
        && !line.ends_with(['.', '!', '?'])
        && !line.contains(|c: char| c.is_ascii_digit() || c == '|')
}

fn item(line: &str) -> Option<&str> {
    let marked =
        ["- ", "* ", "+ ", "• ", "– ", "— ", "· "].iter().find_map(|mark| line.strip_prefix(mark));
    marked.map(str::trim).or_else(|| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let rest = line[digits..].strip_prefix(['.', ')'])?;
        ((1..=2).contains(&digits) && rest.starts_with(' ')).then(|| rest.trim())
    })
}

fn is_table(lines: &[&str]) -> bool {
    let separator = lines.get(1).copied().unwrap_or_default();
    lines[0].contains('|')
        && separator.contains('-')
        && separator.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// Is the line a row of a table, as extracted text writes it? In prose a bar is rare, and one alone
/// is no row.
fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.contains(" | ") || line.ends_with(" |") || line.starts_with("| ")
}

/// The cells of a row. An empty one keeps its place.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|').take(MOST_COLUMNS).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Unit> {
        let source = Source { title: "Shop".into(), text: text.into(), ..Source::default() };
        units(&[source])
    }

    fn texts(text: &str) -> Vec<String> {
        read(text).into_iter().map(|unit| unit.text).collect()
    }

    #[test]
    fn rows_of_a_table_carry_their_headers() {
        let table = "| City | Price |\n|---|--:|\n| **Riga** | 5 € |\n| Oslo | |\n\nAfter.";
        assert_eq!(texts(table), ["City: Riga; Price: 5 €", "City: Oslo", "After."]);
    }

    #[test]
    fn rows_in_the_middle_of_a_table_have_the_columns_of_its_header() {
        let source = |headings: &[&str], text: &str| Source {
            headings: headings.iter().map(|heading| (*heading).to_owned()).collect(),
            text: text.to_owned(),
            ..Source::default()
        };
        let rows = "Alpha | 310\n | | 12\nBeta |\n\nx | y";
        let found = units(&[source(&["Prices", "Model | Price | Stock"], rows)]);
        let texts: Vec<&str> = found.iter().map(|unit| unit.text.as_str()).collect();
        assert_eq!(texts, ["Model: Alpha; Price: 310", "Price: 12", "Model: Beta", "x; y"]);
        assert!(found.iter().all(|unit| unit.headings == "\nPrices"));
    }

    #[test]
    fn a_clause_keeps_its_number_and_the_list_below_knows_it() {
        let text = "2. Payment\n2.1. We accept:\na) cash\nb) cards\n2.2. Late payment costs\n0.1 percent a day.";
        let found = units(&[Source { text: text.into(), ..Source::default() }]);
        let texts: Vec<&str> = found.iter().map(|unit| unit.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Payment",
                "2.1. We accept:",
                "a) cash",
                "b) cards",
                "2.2. Late payment costs 0.1 percent a day."
            ]
        );
    }

    #[test]
    fn headings_stand_above_what_follows_until_the_next_of_their_level() {
        let units = read("# Delivery\n\nOne.\n\n## Abroad\nTwo.\n\n# Returns\nThree.");
        let above: Vec<&str> = units.iter().map(|unit| unit.headings.as_str()).collect();
        assert_eq!(above, ["Shop\nDelivery", "Shop\nDelivery\nAbroad", "Shop\nReturns"]);
    }

    #[test]
    fn items_are_units_and_know_what_introduces_them() {
        let units = read("We accept:\n- cards,\n  also foreign ones\n- cash\n\n1. One\n2) Two");
        let texts: Vec<&str> = units.iter().map(|unit| unit.text.as_str()).collect();
        assert_eq!(texts, ["We accept:", "cards, also foreign ones", "cash", "One", "Two"]);
        let intros: Vec<_> = units.iter().map(|unit| unit.intro).collect();
        assert_eq!(intros, [None, Some(0), Some(0), None, None]);
    }

    #[test]
    fn wrapped_lines_join_and_lines_of_facts_do_not() {
        let wrapped = "Delivery takes two to three working days within\nthe city and up to seven in the \
                       country.";
        assert_eq!(texts(wrapped).len(), 1);
        assert_eq!(texts("Price: 300\nTime: 2 days\nCity: Riga").len(), 3);
    }

    #[test]
    fn signs_alone_are_nothing_to_quote() {
        assert!(texts("()").is_empty());
        assert_eq!(texts("— !\n\nЦЕНЫ\n\nПять евро."), ["Пять евро."]);
    }

    #[test]
    fn hostile_sources_are_bounded() {
        let source = Source { text: "a. B. ".repeat(1_000_000), ..Source::default() };
        assert!(units(&vec![source; 100]).len() <= MOST_UNITS);
    }
}
