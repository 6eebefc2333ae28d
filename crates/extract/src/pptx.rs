//! Microsoft `PowerPoint` since 2007.
//!
//! [`pptx`] is the way in. A slide is a page: its title is a heading, then its shapes from top to
//! bottom, tables, diagrams, the numbers of charts, and the speaker's notes. Hidden slides, dates,
//! footers and slide numbers are left out. [`shape`] reads paragraphs, [`chart`] charts.

use replyx_core::knowledge::{DocumentKind, DocumentWarning, WarningCode, enumerated};

use super::{
    Extracted, Unreadable,
    docx::core_title,
    grid::{Grid, Role, Span},
    package::{Package, Relations},
    thin,
    writer::Writer,
    xml::{Element, Tree},
};

mod chart;
mod shape;

use shape::{Kind, Shapes};

/// Reads a presentation.
///
/// # Errors
///
/// Returns [`Unreadable`] when it is no presentation, damaged, locked or too large.
pub(super) fn pptx(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut package = Package::open(bytes)?;
    let root = Relations::of(&mut package, "")?;
    let main = root.part("officeDocument").unwrap_or("ppt/presentation.xml").to_owned();
    let relations = Relations::of(&mut package, &main)?;
    let source = package.required(&main)?;
    let tree = Tree::parse(&source)?;
    if tree.root().name() != "presentation" {
        return Err(Unreadable::Damaged);
    }

    let mut writer = Writer::new(DocumentKind::Pptx);
    if let Some(title) = core_title(&mut package, &root)? {
        writer.title(&title);
    }

    let slides = tree.root().child("sldIdLst").into_iter().flat_map(Element::children);
    let mut shown = Vec::new();
    let mut hidden = Vec::new();
    for (slide, number) in slides.filter_map(|slide| slide.prefixed("id")).zip(1..) {
        let Some(part) = relations.by_id(&slide).filter(|part| !part.external) else { continue };
        match write_slide(&mut package, &part.target, &mut writer)? {
            Slide::Shown => shown.push(number),
            Slide::Hidden => hidden.push(number),
        }
    }

    if !hidden.is_empty() {
        let detail = format!("hidden and left out: slide {}", enumerated(&hidden));
        writer.warn(DocumentWarning::pages(WarningCode::HiddenSlides, &hidden, detail));
    }

    match writer.finish() {
        Err(Unreadable::Empty | Unreadable::NoText) if !shown.is_empty() => {
            Err(Unreadable::OnlySlidesOfPictures { slides: shown.len() })
        }
        Ok(mut found) => {
            let silent = thin::letters(&found.text, &found.pages).into_iter().zip(&shown);
            let silent: Vec<usize> =
                silent.filter(|(letters, _)| *letters == 0).map(|(_, number)| *number).collect();
            found.warnings.extend(thin::warnings("slide", &silent, &[]));
            Ok(found)
        }
        other => other,
    }
}

/// Whether an audience sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slide {
    Shown,
    Hidden,
}

fn write_slide(
    package: &mut Package,
    part: &str,
    writer: &mut Writer,
) -> Result<Slide, Unreadable> {
    let source = package.required(part)?;
    let tree = Tree::parse(&source)?;
    if matches!(tree.root().attribute("show").as_deref(), Some("0" | "false")) {
        return Ok(Slide::Hidden);
    }
    let relations = Relations::of(package, part)?;
    writer.page();
    let Some(shapes) = tree.root().path(&["cSld", "spTree"]) else { return Ok(Slide::Shown) };
    let shapes = Shapes::read(shapes);
    for title in shapes.of(Kind::Title) {
        // A title of several lines is still one heading.
        let text: Vec<String> =
            shape::paragraphs(title, &relations).into_iter().map(|it| it.text).collect();
        writer.heading(1, text.join(" ").replace('\n', " ").trim());
    }
    for (kind, shape) in shapes.all() {
        match kind {
            Kind::Body => write_paragraphs(shape, &relations, true, writer),
            Kind::Text => write_paragraphs(shape, &relations, false, writer),
            Kind::Table => write_table(shape, &relations, writer),
            Kind::Diagram => write_diagram(package, shape, &relations, writer)?,
            Kind::Chart => chart::write(package, shape, &relations, writer)?,
            Kind::Title => {}
        }
    }
    write_notes(package, &relations, writer)?;
    Ok(Slide::Shown)
}

fn write_paragraphs(shape: Element, relations: &Relations, listed: bool, writer: &mut Writer) {
    let paragraphs = shape::paragraphs(shape, relations);
    // Templates give the body bullets; a single sentence hardly is a list.
    let listed = listed && paragraphs.len() > 1;
    let mut counts = [0_u64; shape::LEVELS];
    for paragraph in paragraphs {
        let depth = paragraph.depth;
        counts[depth + 1..].fill(0);
        match paragraph.mark {
            shape::Mark::Number(start) => {
                counts[depth] = if counts[depth] == 0 { start } else { counts[depth] + 1 };
                writer.item(depth, Some(counts[depth]), &paragraph.text);
            }
            shape::Mark::Bullet => writer.item(depth, None, &paragraph.text),
            shape::Mark::Inherited if listed || depth > 0 => {
                writer.item(depth, None, &paragraph.text);
            }
            shape::Mark::Inherited | shape::Mark::Nothing => {
                counts[depth] = 0;
                writer.paragraph(&paragraph.text);
            }
        }
    }
}

fn write_table(table: Element, relations: &Relations, writer: &mut Writer) {
    let has_header = table.child("tblPr").and_then(|it| it.attribute("firstRow"));
    let has_header = matches!(has_header.as_deref(), Some("1" | "true"));
    let mut grid = Grid::default();
    for (place, row) in table.children_named("tr").enumerate() {
        let role = if has_header && place == 0 { Role::Head } else { Role::Data };
        for cell in row.children_named("tc") {
            // Cells a merged one covers are there, and empty.
            let is_covered = ["hMerge", "vMerge"]
                .iter()
                .any(|name| matches!(cell.attribute(name).as_deref(), Some("1" | "true")));
            if is_covered {
                continue;
            }
            let texts = shape::paragraphs(cell, relations).into_iter().map(|it| it.text);
            let count = |name: &str| usize::try_from(cell.number(name).unwrap_or(1)).unwrap_or(1);
            let span = Span { columns: count("gridSpan"), rows: count("rowSpan") };
            grid.cell(&texts.collect::<Vec<_>>().join(" "), span, role);
        }
        grid.end_row();
    }
    grid.write(writer);
}

fn write_diagram(
    package: &mut Package,
    pointer: Element,
    relations: &Relations,
    writer: &mut Writer,
) -> Result<(), Unreadable> {
    let data = pointer.attribute("dm").and_then(|id| relations.by_id(&id));
    let Some(data) = data.filter(|data| !data.external) else { return Ok(()) };
    let Some(source) = package.text(&data.target)? else { return Ok(()) };
    let tree = Tree::parse(&source)?;
    for point in tree.root().descendants("pt") {
        for paragraph in shape::paragraphs(point, relations) {
            writer.item(0, None, &paragraph.text);
        }
    }
    Ok(())
}

fn write_notes(
    package: &mut Package,
    relations: &Relations,
    writer: &mut Writer,
) -> Result<(), Unreadable> {
    let Some(part) = relations.part("notesSlide") else { return Ok(()) };
    let Some(source) = package.text(part)? else { return Ok(()) };
    let relations = Relations::of(package, part)?;
    let tree = Tree::parse(&source)?;
    let Some(shapes) = tree.root().path(&["cSld", "spTree"]) else { return Ok(()) };
    let texts: Vec<String> = Shapes::read(shapes)
        .of(Kind::Body)
        .flat_map(|body| shape::paragraphs(body, &relations))
        .map(|paragraph| paragraph.text)
        .collect();
    if !texts.is_empty() {
        writer.paragraph(&format!("Notes: {}", texts.join("\n")));
    }
    Ok(())
}
