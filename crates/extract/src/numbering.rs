//! Which paragraphs have a bullet or a number, and which number.

use std::collections::{HashMap, HashSet};

use super::{
    Unreadable,
    numeral::Numeral,
    xml::{Element, Tree},
};

/// Levels a list may have.
pub(super) const LEVELS: usize = 9;
/// What is shown before an item is no longer than this, characters.
const LONGEST_MARK: usize = 64;

/// The lists of a document and how far each has counted.
#[derive(Default)]
pub(super) struct Numbering {
    /// What each list is made from, by its id.
    lists: HashMap<String, List>,
    /// Lists that share a form count on together.
    counts: HashMap<String, [Option<u64>; LEVELS]>,
    /// Lists and levels that have had an item.
    begun: HashSet<(String, usize)>,
}

struct List {
    form: String,
    levels: [Level; LEVELS],
}

/// What stands before an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Bullet,
    /// The number as the program shows it: `2.3.`, `Статья 2`, `(a)`.
    Number(String),
    /// It is indented, no more.
    Nothing,
}

/// What a level puts before its items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Bullet,
    /// A number, and the one to begin with.
    Number(u64),
    Nothing,
}

/// How a level of a list marks its items.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) kind: Kind,
    pub(super) numeral: Numeral,
    /// `%1.%2.`: the numbers of the levels and what stands between them.
    pub(super) pattern: Option<String>,
    /// Are the numbers of the levels above written in digits?
    pub(super) legal: bool,
    /// Does it begin again where its form has been counting?
    pub(super) restarts: bool,
}

impl Numbering {
    /// Reads `numbering.xml`.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when it is not well-formed.
    pub(super) fn read(source: Option<&str>) -> Result<Self, Unreadable> {
        let mut numbering = Self::default();
        let Some(source) = source else { return Ok(numbering) };
        let tree = Tree::parse(source)?;
        let mut forms = HashMap::new();
        for form in tree.root().children_named("abstractNum") {
            let mut levels: [Level; LEVELS] = Default::default();
            for level in form.children_named("lvl") {
                set(&mut levels, level);
            }
            forms.insert(form.attribute("abstractNumId").unwrap_or_default().into_owned(), levels);
        }

        for list in tree.root().children_named("num") {
            let Some(id) = list.attribute("numId") else { continue };
            let form = list.child("abstractNumId").and_then(|form| form.attribute("val"));
            let form = form.unwrap_or_default().into_owned();
            let mut levels = forms.get(&form).cloned().unwrap_or_default();
            for changed in list.children_named("lvlOverride") {
                if let Some(level) = changed.child("lvl") {
                    set(&mut levels, level);
                }
                let start = changed.child("startOverride").and_then(|start| start.number("val"));
                let level = changed.number("ilvl").and_then(|at| at_mut(&mut levels, at));
                if let (Some(start), Some(level)) = (start, level) {
                    level.restarts = true;
                    if let Kind::Number(first) = &mut level.kind {
                        *first = start;
                    }
                }
            }

            numbering.lists.insert(id.into_owned(), List { form, levels });
        }

        Ok(numbering)
    }

    /// Adds a list; those of one form count on together.
    pub(super) fn define(&mut self, id: String, form: String, levels: [Level; LEVELS]) {
        self.lists.insert(id, List { form, levels });
    }

    /// Counts the next item of a list.
    pub(super) fn next(&mut self, list: &str, depth: usize) -> Mark {
        // A list nobody has defined still is one.
        let Some(List { form, levels }) = self.lists.get(list) else { return Mark::Bullet };
        let Some(level) = levels.get(depth) else { return Mark::Bullet };
        let counts = self.counts.entry(form.clone()).or_default();
        if self.begun.insert((list.to_owned(), depth)) && level.restarts {
            counts[depth] = None;
        }
        counts[depth + 1..].fill(None);

        let first = match level.kind {
            Kind::Bullet => return Mark::Bullet,
            Kind::Nothing => return Mark::Nothing,
            Kind::Number(first) => first,
        };
        counts[depth] = Some(counts[depth].map_or(first, |last| last.saturating_add(1)));
        let mark = shown(levels, depth, counts);
        if mark.trim().is_empty() { Mark::Nothing } else { Mark::Number(mark) }
    }
}

/// The mark of an item of a level, with the numbers of the levels above where it shows them.
fn shown(levels: &[Level; LEVELS], depth: usize, counts: &[Option<u64>; LEVELS]) -> String {
    let own = &levels[depth];
    let Some(pattern) = &own.pattern else {
        return format!("{}.", own.numeral.write(counts[depth].unwrap_or(1)));
    };

    let mut mark = String::new();
    let mut chars = pattern.chars().take(LONGEST_MARK).peekable();
    while let Some(c) = chars.next() {
        let level = chars.peek().and_then(|c| c.to_digit(10)).filter(|_| c == '%');
        let level = level.and_then(|level| usize::try_from(level).ok()?.checked_sub(1));
        let Some(level) = level.filter(|level| *level <= depth) else {
            mark.push(c);
            continue;
        };
        chars.next();
        let first = match levels[level].kind {
            Kind::Number(first) => first,
            Kind::Bullet | Kind::Nothing => 1,
        };
        let numeral =
            if own.legal && level < depth { Numeral::Decimal } else { levels[level].numeral };
        mark.push_str(&numeral.write(counts[level].unwrap_or(first)));
    }
    mark
}

fn at_mut(levels: &mut [Level; LEVELS], at: u64) -> Option<&mut Level> {
    levels.get_mut(usize::try_from(at).ok()?)
}

fn set(levels: &mut [Level; LEVELS], element: Element) {
    let Some(level) = element.number("ilvl").and_then(|at| at_mut(levels, at)) else { return };
    let format = element.child("numFmt").and_then(|format| format.attribute("val"));
    let start = element.child("start").and_then(|start| start.number("val"));
    level.kind = match format.as_deref() {
        Some("bullet") => Kind::Bullet,
        Some("none") => Kind::Nothing,
        _ => Kind::Number(start.unwrap_or(1)),
    };
    level.numeral = Numeral::of_word(format.as_deref().unwrap_or_default());
    let pattern = element.child("lvlText").and_then(|text| text.attribute("val"));
    level.pattern = pattern.map(std::borrow::Cow::into_owned);
    level.legal = element.child("isLgl").is_some();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_one_form_count_on_and_restart_level_by_level() {
        let source = "<numbering><abstractNum abstractNumId='0'>
            <lvl ilvl='0'><start val='1'/><numFmt val='decimal'/></lvl>
            <lvl ilvl='1'><start val='1'/><numFmt val='lowerLetter'/></lvl>
            <lvl ilvl='2'><numFmt val='bullet'/></lvl><lvl ilvl='3'><numFmt val='none'/></lvl></abstractNum>
            <num numId='1'><abstractNumId val='0'/></num><num numId='2'><abstractNumId val='0'/></num>
            <num numId='3'><abstractNumId val='0'/><lvlOverride ilvl='0'><startOverride val='7'/></lvlOverride>
            <lvlOverride ilvl='1'><startOverride val='1'/></lvlOverride></num></numbering>";
        let mut numbering = Numbering::read(Some(source)).unwrap();
        let number = |mark: &str| Mark::Number(mark.to_owned());
        let steps = [
            ("1", 0, number("1.")),
            ("1", 1, number("a.")),
            ("1", 1, number("b.")),
            ("2", 0, number("2.")),
            ("1", 1, number("a.")),
            ("3", 1, number("a.")),
            ("1", 0, number("3.")),
            ("3", 0, number("7.")),
            ("3", 0, number("8.")),
            ("1", 2, Mark::Bullet),
            ("1", 3, Mark::Nothing),
            ("9", 0, Mark::Bullet),
        ];
        for (step, (list, depth, mark)) in steps.into_iter().enumerate() {
            assert_eq!(numbering.next(list, depth), mark, "step {step}");
        }
    }
    #[test]
    fn marks_are_what_the_program_shows() {
        let level = |at: usize, format: &str, text: &str, more: &str| {
            format!("<lvl ilvl='{at}'><numFmt val='{format}'/><lvlText val='{text}'/>{more}</lvl>")
        };
        let source = format!(
            "<numbering><abstractNum abstractNumId='0'>{}{}{}{}</abstractNum>
            <num numId='1'><abstractNumId val='0'/></num></numbering>",
            level(0, "upperRoman", "Статья %1", ""),
            level(1, "decimal", "%1.%2.", "<isLgl/>"),
            level(2, "russianLower", "%3)", ""),
            level(3, "decimal", "", "")
        );
        let mut numbering = Numbering::read(Some(&source)).unwrap();
        let mut shown = |depth| numbering.next("1", depth);
        let number = |mark: &str| Mark::Number(mark.to_owned());
        assert_eq!(shown(0), number("Статья I"));
        assert_eq!(shown(0), number("Статья II"));
        assert_eq!(shown(1), number("2.1."));
        assert_eq!(shown(2), number("а)"));
        assert_eq!(shown(2), number("б)"));
        assert_eq!(shown(1), number("2.2."));
        assert_eq!(shown(3), Mark::Nothing);
    }
}
