//! Groups and control words become blocks.

use super::{
    super::{
        Unreadable,
        grid::{Grid, Role, Span},
        script::{lowered, raised},
        writer::{Writer, one_line},
    },
    MAX_DEPTH,
    tables::{Tables, charset, code_page},
    tokens::{Token, Tokens},
    words::{drawn_mark, special},
};

mod groups;

/// How much deeper an item stands than the one it belongs to, twentieths of a point: a quarter of
/// an inch.
const INDENT: i32 = 360;

/// A row has at most so many cells.
const MAX_CELLS: usize = 500;

/// What a group's text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Body,
    Skipped,
    Fonts,
    Styles,
    Info,
    Title,
    /// The mark of a list's item: a number or a bullet.
    Mark,
    /// What a field does: where a link leads.
    Instruction,
    /// What a field shows.
    Result,
    Note,
}

/// What a group inherits from the one around it.
#[derive(Clone)]
struct State {
    part: Part,
    /// Did this group begin its part?
    begins: bool,
    font: Option<i32>,
    /// How many bytes stand for one `\u` in programs that do not know it.
    fallback: usize,
    hidden: bool,
    struck: bool,
    script: Script,
}

/// How text stands on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Level,
    Raised,
    Lowered,
}

/// How the cells of a row are merged.
#[derive(Clone, Copy, Default)]
struct Merge {
    /// It goes on with the cell above.
    below: bool,
    /// It goes on with the cell before.
    beside: bool,
}

/// What holds for a paragraph.
#[derive(Clone, Copy, Default)]
struct Paragraph {
    style: Option<i32>,
    outline: Option<i32>,
    in_table: bool,
    depth: usize,
    /// Distance from the left margin, twentieths of a point.
    indent: i32,
}

struct Body<'w> {
    writer: &'w mut Writer,
    tables: Tables,
    state: State,
    outer: Vec<State>,
    paragraph: Paragraph,
    text: String,
    /// Bytes in the font's encoding that wait for the rest of their run.
    bytes: Vec<u8>,
    surrogate: Option<u16>,
    /// Bytes that are still to be passed over after `\u`.
    passed_over: usize,
    /// Has the group just begun with `\*`?
    optional: bool,
    row: Vec<String>,
    grid: Grid,
    /// The cells that the row is said to have.
    merges: Vec<Merge>,
    merge: Merge,
    is_header: bool,
    had_row: bool,
    mark: Option<String>,
    /// Where the paragraph of a cell begins in `text`.
    cell_from: usize,
    /// Text of the groups that are not the document's body.
    aside: String,
    entry: (Option<i32>, Option<i32>),
    link: Option<String>,
    results: Vec<usize>,
    notes: Vec<String>,
    around_note: Vec<String>,
}

/// Writes a document.
pub(super) fn read(bytes: &[u8], writer: &mut Writer) -> Result<(), Unreadable> {
    let state = State {
        part: Part::Body,
        begins: false,
        font: None,
        fallback: 1,
        hidden: false,
        struck: false,
        script: Script::Level,
    };

    let mut body = Body {
        writer,
        tables: Tables::new(),
        state,
        outer: Vec::new(),
        paragraph: Paragraph::default(),
        text: String::new(),
        bytes: Vec::new(),
        surrogate: None,
        passed_over: 0,
        optional: false,
        row: Vec::new(),
        grid: Grid::default(),
        merges: Vec::new(),
        merge: Merge::default(),
        is_header: false,
        had_row: false,
        mark: None,
        cell_from: 0,
        aside: String::new(),
        entry: (None, None),
        link: None,
        results: Vec::new(),
        notes: Vec::new(),
        around_note: Vec::new(),
    };

    for token in Tokens::new(bytes) {
        body.token(token)?;
        if body.writer.is_full() {
            break;
        }
    }

    body.finish();
    Ok(())
}

impl Body<'_> {
    fn token(&mut self, token: Token<'_>) -> Result<(), Unreadable> {
        match token {
            Token::Open => {
                self.end_run();
                self.passed_over = 0;
                if self.outer.len() >= MAX_DEPTH {
                    return Err(Unreadable::TooComplex);
                }
                self.outer.push(self.state.clone());
                self.state.begins = false;
                self.optional = false;
            }
            Token::Close => {
                self.end_run();
                self.passed_over = 0;
                self.close();
            }
            Token::Word("u", Some(unit)) => self.unit(unit),
            _ if self.passed_over > 0 => {
                self.passed_over -= 1;
                if let Token::Word(word, _) = token
                    && matches!(word, "par" | "cell" | "row")
                {
                    self.passed_over = 0;
                    self.word(word, None);
                }
            }
            Token::Byte(byte) => self.byte(byte),
            Token::Symbol(b'*') => self.optional = true,
            Token::Symbol(symbol) => {
                self.end_run();
                match symbol {
                    b'~' => self.push(" "),
                    b'_' => self.push("-"),
                    b'\\' | b'{' | b'}' => self.push(char::from(symbol).encode_utf8(&mut [0; 4])),
                    b'\r' | b'\n' => self.word("par", None),
                    _ => {}
                }
            }
            Token::Word(word, value) => {
                self.end_run();
                self.word(word, value);
            }
        }

        Ok(())
    }

    fn byte(&mut self, byte: u8) {
        if self.state.part == Part::Styles && byte == b';' {
            self.end_run();
            self.end_style();
        } else if self.state.part != Part::Skipped && self.state.part != Part::Fonts {
            self.surrogate = None;
            self.bytes.push(byte);
        }
    }

    /// `\u`: a UTF-16 unit, written as a signed number.
    fn unit(&mut self, unit: i32) {
        if !self.bytes.is_empty() {
            self.end_run();
        }
        self.passed_over = self.state.fallback;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the format wraps around"
        )]
        let unit = unit as u16;
        match (self.surrogate.take(), unit) {
            (_, 0xD800..=0xDBFF) => self.surrogate = Some(unit),
            (Some(high), 0xDC00..=0xDFFF) => {
                let pair: String =
                    char::decode_utf16([high, unit]).filter_map(Result::ok).collect();
                self.push(&pair);
            }
            // Symbol fonts live in the private area: a bullet or a picture.
            (_, 0xDC00..=0xF8FF) => {}
            _ => {
                if let Some(c) = char::from_u32(u32::from(unit)) {
                    self.push(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    /// Bytes of one run become characters together: some encodings take two bytes for one.
    fn end_run(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            let text = self.tables.encoding(self.state.font).decode_without_bom_handling(&bytes).0;
            self.push(&text);
        }
    }

    fn push(&mut self, text: &str) {
        match self.state.part {
            Part::Skipped | Part::Fonts | Part::Info => {}
            _ if self.state.hidden => {}
            Part::Body | Part::Result | Part::Note if self.state.struck => {}
            Part::Body | Part::Result | Part::Note => match self.state.script {
                Script::Level => self.text.push_str(text),
                Script::Raised => self.text.push_str(&raised(text)),
                Script::Lowered => self.text.push_str(&lowered(text)),
            },
            Part::Styles | Part::Title | Part::Mark | Part::Instruction => {
                self.aside.push_str(text);
            }
        }
    }

    fn word(&mut self, word: &str, value: Option<i32>) {
        let optional = std::mem::take(&mut self.optional);
        if self.state.part == Part::Skipped || self.begin_part(word, optional) {
            return;
        }

        match word {
            "ansicpg" => self.tables.set_default(value.unwrap_or(0)),
            "uc" => self.state.fallback = usize::try_from(value.unwrap_or(1)).unwrap_or(1).min(8),
            "f" => self.state.font = value,
            "fcharset" | "cpg" if self.state.part == Part::Fonts => {
                let encoding = value.and_then(if word == "cpg" { code_page } else { charset });
                if let Some((font, encoding)) = self.state.font.zip(encoding) {
                    self.tables.set_font(font, encoding);
                }
            }
            "s" if self.state.part == Part::Styles => self.entry.0 = value,
            "outlinelevel" if self.state.part == Part::Styles => self.entry.1 = value,
            "s" => self.paragraph.style = value,
            "outlinelevel" => self.paragraph.outline = value,
            "ilvl" => self.paragraph.depth = usize::try_from(value.unwrap_or(0)).unwrap_or(0),
            "li" => self.paragraph.indent = value.unwrap_or(0),
            "v" | "deleted" => self.state.hidden = value != Some(0),
            "plain" => {
                self.state.hidden = false;
                self.state.struck = false;
                self.state.script = Script::Level;
            }
            "strike" | "striked" => self.state.struck = value != Some(0),
            "super" => self.state.script = Script::Raised,
            "sub" => self.state.script = Script::Lowered,
            "up" | "dn" if value.unwrap_or(6) > 0 => {
                self.state.script = if word == "up" { Script::Raised } else { Script::Lowered };
            }
            "nosupersub" | "up" | "dn" => self.state.script = Script::Level,
            _ if matches!(self.state.part, Part::Body | Part::Result | Part::Note) => {
                self.body_word(word);
            }
            _ => {}
        }

        if let Some(character) = special(word) {
            self.push(character);
        }
    }

    fn body_word(&mut self, word: &str) {
        match word {
            "pard" => {
                self.paragraph = Paragraph::default();
            }
            "intbl" => self.paragraph.in_table = true,
            "par" | "page" | "sect" if self.state.part == Part::Note => self.text.push(' '),
            "par" | "page" | "sect" if self.paragraph.in_table => {
                self.take_mark();
                self.text.push(' ');
                self.cell_from = self.text.len();
            }
            "par" | "page" | "sect" => self.end_paragraph(),
            "line" | "softline" => self.text.push('\n'),
            "trowd" => {
                self.merges.clear();
                self.merge = Merge::default();
                self.is_header = false;
            }
            "trhdr" => self.is_header = true,
            "clvmrg" => self.merge.below = true,
            "clmrg" => self.merge.beside = true,
            "cellx" if self.merges.len() < MAX_CELLS => {
                self.merges.push(std::mem::take(&mut self.merge));
            }
            "cell" => {
                self.take_mark();
                let cell = one_line(&std::mem::take(&mut self.text));
                self.results.clear();
                if self.row.len() < MAX_CELLS {
                    self.row.push(cell);
                }
            }
            "row" => self.end_row(),
            "nestcell" | "nestrow" => self.text.push_str("; "),
            _ => {}
        }
    }

    /// Puts the number of an item in a cell before it.
    fn take_mark(&mut self) {
        let from = std::mem::take(&mut self.cell_from);
        let Some(mark) = self.mark.take().filter(|mark| mark.contains(char::is_alphanumeric))
        else {
            return;
        };
        if self.text.get(from..).is_some_and(|text| !text.trim().is_empty()) {
            self.text.insert_str(from, &format!("{mark} "));
        }
    }

    fn end_row(&mut self) {
        let role = if self.is_header { Role::Head } else { Role::Data };
        let cells = std::mem::take(&mut self.row);
        let merge = |at: usize| self.merges.get(at).copied().unwrap_or_default();
        for (at, cell) in cells.iter().enumerate().filter(|(at, _)| !merge(*at).beside) {
            let beside = (at + 1..cells.len()).take_while(|at| merge(*at).beside).count();
            let span = Span { columns: beside + 1, rows: 1 };
            if merge(at).below {
                self.grid.below(span);
            } else {
                self.grid.cell(cell, span, role);
            }
        }
        self.grid.end_row();
        self.had_row = true;
    }

    fn end_paragraph(&mut self) {
        if std::mem::take(&mut self.had_row) {
            std::mem::take(&mut self.grid).write(self.writer);
        }

        self.results.clear();
        let text = std::mem::take(&mut self.text);
        let mark = self.mark.take();
        let level = self.paragraph.outline.filter(|level| (0..9).contains(level));
        let level = level
            .and_then(|level| u8::try_from(level + 1).ok())
            .or_else(|| self.tables.level(self.paragraph.style?));
        match (level, mark) {
            (Some(level), Some(mark)) if mark.contains(char::is_alphanumeric) => {
                self.writer.heading(level, &format!("{mark} {text}"));
            }
            (Some(level), _) => self.writer.heading(level, text.trim_end().trim_end_matches('¶')),
            (None, Some(mark)) if mark.contains(char::is_alphanumeric) => {
                self.writer.marked(self.paragraph.depth, &mark, &text);
            }
            (None, Some(_)) => self.writer.item(self.paragraph.depth, None, &text),
            (None, None) => match drawn_mark(&text) {
                Some((number, text)) => {
                    let depth = usize::try_from(self.paragraph.indent / INDENT - 1).unwrap_or(0);
                    self.writer.item(depth, number, text);
                }
                None => self.writer.paragraph(&text),
            },
        }
    }

    fn finish(&mut self) {
        self.end_run();
        if !self.row.is_empty() {
            self.body_word("row");
        }
        self.end_paragraph();
        for note in std::mem::take(&mut self.notes) {
            self.writer.paragraph(&note);
        }
    }
}
