//! How cells look: formats of numbers, and lines through their text.

use std::{collections::HashMap, rc::Rc};

use super::{
    super::{
        Unreadable,
        xml::{Element, Tree},
    },
    format::Format,
};

/// A workbook has at most so many looks.
const MOST: usize = 70_000;

/// How a cell looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) format: Rc<Format>,
    pub(super) is_struck: bool,
}

/// The looks of a workbook's cells, by their number.
#[derive(Default)]
pub(super) struct Looks {
    looks: Vec<Look>,
    plain: Look,
}

impl Looks {
    /// Reads `styles.xml`.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when it is not well-formed.
    pub(super) fn read(source: Option<&str>) -> Result<Self, Unreadable> {
        let Some(source) = source else { return Ok(Self::default()) };
        let tree = Tree::parse(source)?;
        let root = tree.root();
        let all = |group: &'static str| root.child(group).into_iter().flat_map(Element::children);

        let mut formats: HashMap<u64, Rc<Format>> = all("numFmts")
            .filter_map(|it| {
                let code = it.attribute("formatCode")?;
                Some((it.number("numFmtId")?, Rc::new(Format::of(&code))))
            })
            .collect();
        let struck: Vec<bool> = all("fonts").map(is_struck).collect();

        let looks = all("cellXfs").take(MOST).map(|cell| {
            let id = cell.number("numFmtId").unwrap_or(0);
            let format = formats.entry(id).or_insert_with(|| Rc::new(Format::built_in(id)));
            let font = cell.number("fontId").and_then(|id| usize::try_from(id).ok());
            Look {
                format: Rc::clone(format),
                is_struck: font.and_then(|font| struck.get(font)).copied().unwrap_or(false),
            }
        });
        Ok(Self { looks: looks.collect(), plain: Look::default() })
    }

    /// The look of that number.
    pub(super) fn of(&self, number: u64) -> &Look {
        let look = usize::try_from(number).ok().and_then(|at| self.looks.get(at));
        look.unwrap_or(&self.plain)
    }
}

fn is_struck(font: Element) -> bool {
    font.child("strike")
        .is_some_and(|it| !matches!(it.attribute("val").as_deref(), Some("0" | "false")))
}
