//! Styles and lists (MS-DOC 2.9.271, 2.9.131 to 2.9.150).

use std::fmt::Write as _;

use super::{
    super::{
        numbering::{Kind, LEVELS, Level, Numbering},
        numeral::Numeral,
    },
    bytes::{half, part, word},
    file::File,
    looks::{Paragraph, apply},
};

/// Numbers of structures in the head.
const STYLES: usize = 1;
const FORMS: usize = 73;
const LISTS: usize = 74;
/// More lists or styles than this come from no document that people wrote.
const MOST: usize = 10_000;
/// Longest chain of styles based on one another.
const CHAIN: usize = 32;
/// What is shown before an item is no longer than this, characters.
const LONGEST: usize = 64;
/// Kinds of numbers: bullets, and nothing at all.
const BULLET: u8 = 23;
const NOTHING: u8 = 255;

/// The styles of paragraphs.
#[derive(Default)]
pub(super) struct Styles(Vec<Option<Style>>);

struct Style {
    /// Which of the built-in styles it is.
    built_in: u16,
    base: u16,
    properties: Paragraph,
}

impl Styles {
    /// Reads the styles of a file.
    pub(super) fn read(file: &File) -> Self {
        let table = file.structure(STYLES);
        let head = usize::from(half(table, 0).unwrap_or(0));
        let size = usize::from(half(table, 4).unwrap_or(10));
        let mut rest = table.get(2 + head..).unwrap_or_default();
        let mut styles = Vec::new();
        while let Some(length) = half(rest, 0).filter(|_| styles.len() < MOST) {
            let length = usize::from(length);
            let Some(style) = part(rest, 2, length) else { break };
            styles.push(style_of(style, size));
            rest = rest.get(2 + length + length % 2..).unwrap_or_default();
        }
        Self(styles)
    }

    /// How deep a heading a paragraph is, from 1, if it is one.
    pub(super) fn level(&self, paragraph: &Paragraph) -> Option<u8> {
        const TITLE: u16 = 62;
        let outline =
            paragraph.outline.or_else(|| self.find(paragraph, |it| it.properties.outline));
        if let Some(outline) = outline {
            return (outline < 9).then_some(outline + 1);
        }
        self.find(paragraph, |style| match style.built_in {
            level @ 1..=9 => u8::try_from(level).ok(),
            TITLE => Some(1),
            _ => None,
        })
    }

    /// The list that a paragraph belongs to, and its level.
    pub(super) fn list(&self, paragraph: &Paragraph) -> Option<(u16, usize)> {
        let list = paragraph.list.or_else(|| self.find(paragraph, |it| it.properties.list))?;
        let level = paragraph.level.or_else(|| self.find(paragraph, |it| it.properties.level));
        let level = usize::from(level.unwrap_or(0)).min(LEVELS - 1);
        (list != 0 && list != 0xF801).then_some((list, level))
    }

    fn find<T>(&self, paragraph: &Paragraph, get: impl Fn(&Style) -> Option<T>) -> Option<T> {
        let mut next = paragraph.style;
        for _ in 0..CHAIN {
            let style = self.0.get(usize::from(next))?.as_ref()?;
            if let Some(found) = get(style) {
                return Some(found);
            }
            next = style.base;
        }
        None
    }
}

fn style_of(style: &[u8], size: usize) -> Option<Style> {
    const PARAGRAPH: u16 = 1;
    let built_in = half(style, 0)? & 0x0FFF;
    let kind = half(style, 2)?;
    let mut properties = Paragraph::default();
    if kind & 0x000F == PARAGRAPH {
        // Behind the name: the properties of paragraphs, led by the style's own number.
        let name = usize::from(half(style, size)?);
        let at = size + 2 + (name + 1) * 2;
        let at = at + at % 2;
        if let Some(list) =
            half(style, at).and_then(|length| part(style, at + 2, usize::from(length)))
        {
            apply(list.get(2..).unwrap_or_default(), &mut properties);
        }
    }
    Some(Style { built_in, base: kind >> 4, properties })
}

/// Reads the lists of a file; their names are their numbers.
pub(super) fn read(file: &File) -> Numbering {
    let mut numbering = Numbering::default();
    let forms = forms(file);
    let lists = file.structure(LISTS);
    let count = word(lists, 0).and_then(|count| usize::try_from(count).ok()).unwrap_or(0).min(MOST);
    let mut starts = Starts { rest: lists.get(4 + count * 16..).unwrap_or_default() };
    for number in 0..count {
        let Some(list) = part(lists, 4 + number * 16, 16) else { break };
        let id = word(list, 0).unwrap_or(0);
        let mut levels =
            forms.iter().find(|(form, _)| *form == id).map(|(_, levels)| levels.clone());
        starts.apply(list[12], levels.as_mut());
        if let Some(levels) = levels {
            numbering.define((number + 1).to_string(), id.to_string(), levels);
        }
    }
    numbering
}

/// Where lists begin again, behind the lists themselves.
struct Starts<'f> {
    rest: &'f [u8],
}

impl Starts<'_> {
    fn apply(&mut self, count: u8, mut levels: Option<&mut [Level; LEVELS]>) {
        self.rest = self.rest.get(4..).unwrap_or_default();
        for _ in 0..count {
            let (Some(start), Some(flags)) = (word(self.rest, 0), word(self.rest, 4)) else {
                return;
            };
            self.rest = &self.rest[8..];

            let mut own = None;
            if flags & 0x20 != 0 {
                own = level(&mut self.rest);
            }
            let at = usize::try_from(flags & 0x0F).unwrap_or(0);
            let Some(level) = levels.as_mut().and_then(|levels| levels.get_mut(at)) else {
                continue;
            };
            if let Some(own) = own {
                *level = own;
            }
            if flags & 0x10 != 0 {
                level.restarts = true;
                if let Kind::Number(first) = &mut level.kind {
                    *first = u64::from(start);
                }
            }
        }
    }
}

/// The forms of lists by their numbers.
fn forms(file: &File) -> Vec<(u32, [Level; LEVELS])> {
    let heads = file.structure(FORMS);
    let count = usize::from(half(heads, 0).unwrap_or(0)).min(MOST);
    let mut rest = file.behind(FORMS);
    let mut forms = Vec::new();
    for form in 0..count {
        let Some(head) = part(heads, 2 + form * 28, 28) else { break };
        let id = word(head, 0).unwrap_or(0);
        let is_simple = head[26] & 1 != 0;
        let mut levels: [Level; LEVELS] = Default::default();
        for at in levels.iter_mut().take(if is_simple { 1 } else { LEVELS }) {
            let Some(level) = level(&mut rest) else { return forms };
            *at = level;
        }
        forms.push((id, levels));
    }
    forms
}

/// Reads a level, and leaves what stands behind it.
fn level(rest: &mut &[u8]) -> Option<Level> {
    let bytes = *rest;
    let head = part(bytes, 0, 28)?;
    let shown = 28 + usize::from(head[24]) + usize::from(head[25]);
    let length = usize::from(half(bytes, shown)?);
    let text = part(bytes, shown + 2, length.checked_mul(2)?)?;
    *rest = &bytes[shown + 2 + length * 2..];

    let units: Vec<u16> =
        text.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let mut pattern = String::new();
    for c in char::decode_utf16(units).flatten().take(LONGEST) {
        match u32::from(c) {
            level @ 0..=8 => {
                let _ = write!(pattern, "%{}", level + 1);
            }
            _ => pattern.push(c),
        }
    }
    let kind = match head[4] {
        BULLET => Kind::Bullet,
        NOTHING => Kind::Nothing,
        _ => Kind::Number(u64::from(word(head, 0)?)),
    };
    Some(Level {
        kind,
        numeral: Numeral::of_code(i32::from(head[4])),
        pattern: Some(pattern),
        legal: head[5] & 0x04 != 0,
        restarts: false,
    })
}
