//! Microsoft Excel since 2007.

use super::{
    super::{
        Unreadable,
        docx::core_title,
        html,
        package::{Package, Relations, link},
        script::raised,
        writer::Writer,
        xml::{Element, Tree},
    },
    formula,
    looks::Looks,
    sheet::{Allowance, Area, Sheet},
    value::{Epoch, iso},
    warn_hidden,
};

/// Columns and rows of a sheet.
const LAST_COLUMN: u32 = 16_383;
const LAST_ROW: u32 = 1_048_575;
/// A sheet has at most so many merged cells, and links.
const MOST_AREAS: usize = 50_000;

/// What the sheets of a workbook share.
struct Book {
    strings: Vec<String>,
    looks: Looks,
    epoch: Epoch,
}

/// Reads the visible sheets.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no workbook, damaged, locked or too large.
pub(super) fn read(mut package: Package, writer: &mut Writer) -> Result<(), Unreadable> {
    package.check()?;
    let root = Relations::of(&mut package, "")?;
    if let Some(title) = core_title(&mut package, &root)? {
        writer.title(&title);
    }
    let main = root.part("officeDocument").unwrap_or("xl/workbook.xml").to_owned();
    let relations = Relations::of(&mut package, &main)?;
    let source = package.required(&main)?;
    let tree = Tree::parse(&source)?;
    if tree.root().name() != "workbook" {
        return Err(Unreadable::Damaged);
    }

    let mut part = |kind: &str| match relations.part(kind) {
        Some(name) => package.text(name),
        None => Ok(None),
    };
    let strings = part("sharedStrings")?;
    let styles = part("styles")?;
    let properties = tree.root().child("workbookPr").and_then(|it| it.attribute("date1904"));
    let epoch = match properties.as_deref() {
        Some("1" | "true") => Epoch::Year1904,
        _ => Epoch::Year1900,
    };
    let book = Book {
        strings: strings.as_deref().map(shared).transpose()?.unwrap_or_default(),
        looks: Looks::read(styles.as_deref())?,
        epoch,
    };

    let mut allowance = Allowance::default();
    let mut hidden = Vec::new();
    let mut found = false;
    for sheet in tree.root().child("sheets").into_iter().flat_map(Element::children) {
        let id = sheet.prefixed("id").unwrap_or_default();
        let Some(part) = relations.by_id(&id).filter(|part| part.is("worksheet")) else { continue };
        found = true;
        let name = sheet.attribute("name").unwrap_or_default();
        if matches!(sheet.attribute("state").as_deref(), Some("hidden" | "veryHidden")) {
            hidden.push(name.into_owned());
            continue;
        }
        let source = package.required(&part.target)?;
        let own = Relations::of(&mut package, &part.target)?;
        let filled = fill(Tree::parse(&source)?.root(), &book, &own, &mut allowance)?;
        filled.write(&name, writer)?;
    }

    warn_hidden(hidden, writer);
    if found { Ok(()) } else { Err(Unreadable::Damaged) }
}

/// The table of strings; what is struck out in a string is left out.
fn shared(source: &str) -> Result<Vec<String>, Unreadable> {
    let tree = Tree::parse(source)?;
    Ok(tree.root().children_named("si").map(rich).collect())
}

/// A text of one or several runs.
fn rich(text: Element) -> String {
    let mut said = String::new();
    for run in text.children() {
        match run.name() {
            "t" => said.push_str(&unescaped(&run.text())),
            "r" => {
                let properties = run.child("rPr");
                let value = |name: &'static str| properties?.child(name)?.attribute("val");
                let struck = properties.is_some_and(|it| it.child("strike").is_some())
                    && !matches!(value("strike").as_deref(), Some("0" | "false"));
                if struck {
                    continue;
                }
                let inner = run.child("t").map(|it| unescaped(&it.text())).unwrap_or_default();
                if value("vertAlign").as_deref() == Some("superscript") {
                    said.push_str(&raised(&inner));
                } else {
                    said.push_str(&inner);
                }
            }
            _ => {}
        }
    }
    said
}

/// Excel writes control characters as `_x000D_`.
fn unescaped(text: &str) -> String {
    if !text.contains("_x") {
        return text.to_owned();
    }
    text.replace("_x000D_", "").replace("_x000A_", "\n").replace("_x0009_", "\t")
}

/// Reads the cells of a sheet that can be seen.
fn fill(
    root: Element,
    book: &Book,
    relations: &Relations,
    allowance: &mut Allowance,
) -> Result<Sheet, Unreadable> {
    let mut sheet = Sheet::default();
    for column in root.child("cols").into_iter().flat_map(|it| it.children_named("col")) {
        let is_hidden =
            is_on(column, "hidden") || column.attribute("width").as_deref() == Some("0");
        let (Some(first), Some(last)) = (column.number("min"), column.number("max")) else {
            continue;
        };
        if is_hidden && first > 0 {
            sheet.hide_columns(at(first - 1, LAST_COLUMN), at(last.saturating_sub(1), LAST_COLUMN));
        }
    }

    let mut uncached = Vec::new();
    let mut numbers = formula::Cells::default();
    let mut next_row = 0;
    for row in root.child("sheetData").into_iter().flat_map(|it| it.children_named("row")) {
        let number = row.number("r").and_then(|it| it.checked_sub(1));
        let row_at = number.map_or(next_row, |it| at(it, LAST_ROW));
        next_row = row_at.saturating_add(1);
        if is_on(row, "hidden") {
            sheet.hide_row(row_at);
        }

        let mut next_column = 0;
        for cell in row.children_named("c") {
            let place = cell.attribute("r").and_then(|it| formula::place(&it));
            let place = place.unwrap_or((row_at, next_column));
            next_column = place.1.saturating_add(1);
            let look = book.looks.of(cell.number("s").unwrap_or(0));
            if look.is_struck {
                continue;
            }
            let value = cell.child("v").map(Element::text).unwrap_or_default();
            let said = match (cell.attribute("t").as_deref(), value.trim()) {
                (Some("inlineStr"), _) => cell.child("is").map(rich).unwrap_or_default(),
                (Some("str"), "") => continue,
                (_, "") => {
                    uncached.extend(cell.child("f").map(|it| (place, it.text(), look)));
                    continue;
                }
                (Some("s"), index) => {
                    let index: Option<usize> = index.parse().ok();
                    index.and_then(|at| book.strings.get(at)).cloned().unwrap_or_default()
                }
                (Some("str"), _) => unescaped(&value),
                (Some("b"), "1") => "TRUE".to_owned(),
                (Some("b"), _) => "FALSE".to_owned(),
                (Some("e"), _) => continue,
                (Some("d"), moment) => iso(moment),
                (_, number) => match number.parse::<f64>() {
                    Ok(value) if value.is_finite() => {
                        numbers.set(place, value);
                        look.format.show(value, book.epoch)
                    }
                    _ => number.to_owned(),
                },
            };
            let said = html::value(&said).unwrap_or(said);
            sheet.set(place, &said, allowance)?;
        }
    }

    // Formulas that nobody has calculated yet: some programs write them so.
    let formulas: Vec<_> = uncached.iter().map(|(place, text, _)| (*place, text.clone())).collect();
    numbers.calculate(&formulas);
    for (place, text, look) in uncached {
        let said = match numbers.get(place) {
            Some(value) => look.format.show(value, book.epoch),
            None if text.trim().is_empty() => continue,
            None => format!("={}", text.trim()),
        };
        sheet.set(place, &said, allowance)?;
    }

    mark(root, relations, &mut sheet);
    Ok(sheet)
}

/// Notes merged cells and adds where the links of cells lead.
fn mark(root: Element, relations: &Relations, sheet: &mut Sheet) {
    let merged = root.child("mergeCells").into_iter().flat_map(Element::children);
    for area in merged.take(MOST_AREAS).filter_map(|it| area(&it.attribute("ref")?)) {
        sheet.merge(area);
    }
    let links = root.child("hyperlinks").into_iter().flat_map(Element::children);
    for found in links.take(MOST_AREAS) {
        let address = found.prefixed("id").and_then(|id| relations.address(&id).map(str::to_owned));
        let place = found.attribute("ref").and_then(|it| area(&it)).map(|area| area.from);
        if let (Some(address), Some(place)) = (address, place) {
            sheet.change(place, |text| link(text, 0, &address));
        }
    }
}

/// `A1:B2` or `A1`.
fn area(reference: &str) -> Option<Area> {
    let (from, to) = reference.split_once(':').unwrap_or((reference, reference));
    Some(Area { from: formula::place(from)?, to: formula::place(to)? })
}

fn is_on(element: Element, name: &str) -> bool {
    matches!(element.attribute(name).as_deref(), Some("1" | "true"))
}

fn at(number: u64, last: u32) -> u32 {
    u32::try_from(number).unwrap_or(last).min(last)
}
