//! Which paragraphs have a bullet or a number, and which number.

use std::collections::{HashMap, HashSet};

use super::super::{
    Unreadable,
    xml::{Element, Tree},
};

/// Levels a list may have.
const LEVELS: usize = 9;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Bullet,
    Number(u64),
    /// It is indented, no more.
    Nothing,
}

#[derive(Clone, Copy)]
struct Level {
    /// A number is the one to begin with.
    mark: Mark,
    /// Does it begin again where its form has been counting?
    restarts: bool,
}

impl Default for Level {
    fn default() -> Self {
        Self { mark: Mark::Bullet, restarts: false }
    }
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
            let mut levels = [Level::default(); LEVELS];
            for level in form.children_named("lvl") {
                set(&mut levels, level);
            }
            forms.insert(form.attribute("abstractNumId").unwrap_or_default().into_owned(), levels);
        }

        for list in tree.root().children_named("num") {
            let Some(id) = list.attribute("numId") else { continue };
            let form = list.child("abstractNumId").and_then(|form| form.attribute("val"));
            let form = form.unwrap_or_default().into_owned();
            let mut levels = forms.get(&form).copied().unwrap_or_default();
            for changed in list.children_named("lvlOverride") {
                if let Some(level) = changed.child("lvl") {
                    set(&mut levels, level);
                }
                let start = changed.child("startOverride").and_then(|start| start.number("val"));
                let level = changed.number("ilvl").and_then(|at| at_mut(&mut levels, at));
                if let (Some(start), Some(level)) = (start, level) {
                    level.restarts = true;
                    if let Mark::Number(first) = &mut level.mark {
                        *first = start;
                    }
                }
            }

            numbering.lists.insert(id.into_owned(), List { form, levels });
        }

        Ok(numbering)
    }

    /// Counts the next item of a list.
    pub(super) fn next(&mut self, list: &str, depth: usize) -> Mark {
        // A list nobody has defined still is one.
        let Some(List { form, levels }) = self.lists.get(list) else { return Mark::Bullet };
        let Some(Level { mark, restarts }) = levels.get(depth).copied() else {
            return Mark::Bullet;
        };
        let counts = self.counts.entry(form.clone()).or_default();
        if self.begun.insert((list.to_owned(), depth)) && restarts {
            counts[depth] = None;
        }
        counts[depth + 1..].fill(None);
        let Mark::Number(first) = mark else { return mark };
        let number = counts[depth].map_or(first, |last| last.saturating_add(1));
        counts[depth] = Some(number);
        Mark::Number(number)
    }
}

fn at_mut(levels: &mut [Level; LEVELS], at: u64) -> Option<&mut Level> {
    levels.get_mut(usize::try_from(at).ok()?)
}

fn set(levels: &mut [Level; LEVELS], element: Element) {
    let Some(level) = element.number("ilvl").and_then(|at| at_mut(levels, at)) else { return };
    let format = element.child("numFmt").and_then(|format| format.attribute("val"));
    let start = element.child("start").and_then(|start| start.number("val"));
    level.mark = match format.as_deref() {
        Some("bullet") => Mark::Bullet,
        Some("none") => Mark::Nothing,
        _ => Mark::Number(start.unwrap_or(1)),
    };
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
        let steps = [
            ("1", 0, Mark::Number(1)),
            ("1", 1, Mark::Number(1)),
            ("1", 1, Mark::Number(2)),
            ("2", 0, Mark::Number(2)),
            ("1", 1, Mark::Number(1)),
            ("3", 1, Mark::Number(1)),
            ("1", 0, Mark::Number(3)),
            ("3", 0, Mark::Number(7)),
            ("3", 0, Mark::Number(8)),
            ("1", 2, Mark::Bullet),
            ("1", 3, Mark::Nothing),
            ("9", 0, Mark::Bullet),
        ];
        for (step, (list, depth, mark)) in steps.into_iter().enumerate() {
            assert_eq!(numbering.next(list, depth), mark, "step {step}");
        }
    }
}
