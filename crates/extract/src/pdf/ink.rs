//! What a page shows: glyphs with their places, and the lines between them.

use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, Paint, SoftMask,
    font::{Glyph as Drawn, GlyphRun},
    hayro_cmap::{BfString, WritingMode},
    hayro_syntax::object::{Dict, String as PdfString},
    kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape},
};

use super::{
    super::layout::{Direction, Glyph, Rule},
    fonts::BoldGlyphs,
    strings,
};

/// The interpreter measures glyphs in thousandths of the font's size.
const EM: f64 = 1_000.0;
/// More lines than this on one page are a drawing.
const MOST_RULES: usize = 50_000;
/// A filled shape is a line if it is not thicker than this, points.
const THICKEST_RULE: f64 = 3.0;
/// A stroke must be at least this long to be a line between cells, points.
const SHORTEST_RULE: f64 = 3.0;
/// A picture of so many dots may be a page, and a smaller one is a logo: a sheet of A4 has half a
/// million at 72 per inch.
const SCAN: u64 = 300_000;

/// Takes down what one page shows.
pub(super) struct Ink<'f, 'a> {
    bold: &'f BoldGlyphs<'a>,
    /// Text further out is not on the page.
    page: Rect,
    pub(super) glyphs: Vec<Glyph>,
    /// Text that is there to be searched and selected: the recognized text of a scan.
    pub(super) unseen: Vec<Glyph>,
    pub(super) rules: Vec<Rule>,
    /// Does the page show a picture that may be the page itself?
    pub(super) has_scan: bool,
    /// Glyphs that no table of the file gives a character for.
    pub(super) nameless: usize,
    /// How many bytes of text may still be noted.
    room: usize,
    clips: Vec<Rect>,
    marked: Vec<Marked>,
}

/// Marked content that is open.
struct Marked {
    /// What it says in place of its glyphs.
    actual: Option<String>,
    first: usize,
}

impl<'f, 'a> Ink<'f, 'a> {
    pub(super) fn new(bold: &'f BoldGlyphs<'a>, page: Rect, room: usize) -> Self {
        Self {
            bold,
            page: page.inflate(1.0, 1.0),
            glyphs: Vec::new(),
            unseen: Vec::new(),
            rules: Vec::new(),
            has_scan: false,
            nameless: 0,
            room,
            clips: Vec::new(),
            marked: Vec::new(),
        }
    }

    /// Was there more text than there was room for?
    pub(super) fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Is any of it where it can be seen?
    fn shows(&self, glyph: Rect) -> bool {
        let inside = |bounds: &Rect| {
            glyph.x1 >= bounds.x0
                && glyph.x0 <= bounds.x1
                && glyph.y1 >= bounds.y0
                && glyph.y0 <= bounds.y1
        };
        inside(&self.page) && self.clips.last().is_none_or(inside)
    }

    fn push_clip(&mut self, bounds: Rect) {
        let bounds = bounds.inflate(1.0, 1.0);
        let bounds = self.clips.last().map_or(bounds, |outer| outer.intersect(bounds));
        self.clips.push(bounds);
    }

    /// Notes a line, or the edges of a rectangle.
    fn rule(&mut self, bounds: Rect, is_filled: bool) {
        let bounds = bounds.abs();
        if !bounds.is_finite() || self.rules.len() >= MOST_RULES || !self.shows(bounds) {
            return;
        }
        if bounds.width().min(bounds.height()) <= THICKEST_RULE {
            if bounds.width().max(bounds.height()) >= SHORTEST_RULE {
                self.rules.extend(straight(bounds));
            }
        } else if !is_filled {
            let Rect { x0, y0, x1, y1 } = bounds;
            let edges = [[x0, y0, x1, y0], [x0, y1, x1, y1], [x0, y0, x0, y1], [x1, y0, x1, y1]];
            for [x0, y0, x1, y1] in edges {
                self.rules.extend(straight(Rect::new(x0, y0, x1, y1)));
            }
        }
    }

    /// Notes the straight lines of a stroked path.
    fn strokes(&mut self, path: &BezPath, transform: Affine) {
        let mut start = Point::ZERO;
        let mut at = Point::ZERO;
        for element in path.elements() {
            let to = match *element {
                PathEl::MoveTo(point) => {
                    start = point;
                    at = point;
                    continue;
                }
                PathEl::LineTo(point) => point,
                PathEl::ClosePath => start,
                PathEl::QuadTo(_, point) | PathEl::CurveTo(_, _, point) => {
                    at = point;
                    continue;
                }
            };
            let line = Rect::from_points(transform * at, transform * to);
            if line.width().min(line.height()) <= 1.0 {
                self.rule(line, true);
            }
            at = to;
        }
    }

    /// Notes the parts of a filled path: programs draw the lines of a table as thin boxes.
    fn fills(&mut self, path: &BezPath, transform: Affine) {
        let mut part = BezPath::new();
        let mut parts = Vec::new();
        for element in path.elements() {
            if matches!(element, PathEl::MoveTo(_)) && !part.is_empty() {
                parts.push(std::mem::take(&mut part));
            }
            part.push(*element);
        }
        parts.push(part);

        for part in parts.iter().filter(|part| !part.is_empty()) {
            self.rule(transform.transform_rect_bbox(part.bounding_box()), true);
        }
    }
}

/// The middle of a thin box, as a line.
#[expect(clippy::cast_possible_truncation, reason = "places on a page")]
fn straight(bounds: Rect) -> Option<Rule> {
    let middle = bounds.center();
    if bounds.width() >= bounds.height() {
        Rule::new(Direction::Across, middle.y as f32, bounds.x0 as f32, bounds.x1 as f32)
    } else {
        Rule::new(Direction::Down, middle.x as f32, bounds.y0 as f32, bounds.y1 as f32)
    }
}

/// Does the paint leave a trace?
fn is_visible(paint: &Paint<'_>) -> bool {
    match paint {
        Paint::Color(color) => color.to_rgba().components()[3] > 0.01,
        Paint::Pattern(_) => true,
    }
}

impl<'a> Device<'a> for Ink<'_, 'a> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        if self.rules.len() >= MOST_RULES || !is_visible(&props.paint) {
            return;
        }
        match mode {
            DrawMode::Fill(_) => self.fills(path, props.transform),
            DrawMode::Stroke(_) | DrawMode::FillAndStroke(..) => {
                self.strokes(path, props.transform);
            }
            DrawMode::Invisible => {}
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, mode: &DrawMode) {
        let is_filled = match mode {
            DrawMode::Fill(_) => true,
            DrawMode::Stroke(_) | DrawMode::FillAndStroke(..) => false,
            DrawMode::Invisible => return,
        };
        if is_visible(&props.paint) {
            self.rule(props.transform.transform_rect_bbox(*rect), is_filled);
        }
    }

    fn push_clip_path(&mut self, clip: &ClipPath) {
        self.push_clip(clip.path.bounding_box());
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.push_clip(*rect);
    }

    fn pop_clip(&mut self) {
        self.clips.pop();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn pop_transparency_group(&mut self) {}

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        let dict = match &image {
            Image::Stencil(image) => image.stream().dict().clone(),
            Image::Raster(image) => image.stream().dict().clone(),
        };
        let side = |key: &[u8]| u64::from(dict.get::<u32>(key).unwrap_or(0));
        self.has_scan |= side(b"Width").saturating_mul(side(b"Height")) >= SCAN;
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let is_unseen = matches!(mode, DrawMode::Invisible);
        if !is_unseen && !is_visible(&props.paint) {
            return;
        }

        let bold = self.bold.is_bold(run);
        for drawn in run.glyphs() {
            let Some(text) = drawn.as_unicode().and_then(named) else {
                self.nameless += usize::from(drawn.char_code() > 32);
                continue;
            };
            let Some(glyph) = place(drawn, props.transform, run.writing_mode()) else { continue };
            let Some(room) = self.room.checked_sub(text.len()) else {
                self.room = 0;
                return;
            };
            if self.shows(bounds(&glyph)) {
                self.room = room;
                let noted = if is_unseen { &mut self.unseen } else { &mut self.glyphs };
                noted.push(Glyph { bold, text, ..glyph });
            }
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        let actual = properties
            .and_then(|dict| dict.get::<PdfString<'_>>(b"ActualText".as_slice()))
            .map(|text| strings::text(&text));
        self.marked.push(Marked { actual, first: self.glyphs.len() });
    }

    fn end_marked_content(&mut self) {
        let Some(Marked { actual: Some(actual), first }) = self.marked.pop() else { return };
        let Some(first_glyph) = self.glyphs.get(first) else { return };

        // A text over several lines has no place of its own: its glyphs must do.
        let is_one_line = self.glyphs[first..].iter().all(|glyph| {
            glyph.turn == first_glyph.turn
                && (glyph.y - first_glyph.y).abs() < 0.5 * first_glyph.size
        });
        if !is_one_line {
            return;
        }

        let left = self.glyphs[first..].iter().map(|glyph| glyph.x).fold(f32::MAX, f32::min);
        let right =
            self.glyphs[first..].iter().map(|glyph| glyph.x + glyph.width).fold(left, f32::max);
        let whole = Glyph { x: left, width: right - left, text: actual, ..first_glyph.clone() };
        self.glyphs.truncate(first);
        if !whole.text.is_empty() && whole.text.len() <= self.room {
            self.room -= whole.text.len();
            self.glyphs.push(whole);
        }
    }
}

/// Where a glyph stands, without its text.
#[expect(clippy::cast_possible_truncation, reason = "places on a page")]
fn place(
    drawn: &hayro_interpret::font::PositionedGlyph<'_>,
    page: Affine,
    mode: WritingMode,
) -> Option<Glyph> {
    let transform = page * drawn.transform();
    let coefficients = transform.as_coeffs();
    if !coefficients.iter().all(|number| number.is_finite()) {
        return None;
    }

    // Where a step to the right and a step upwards in the font lead to, and where the glyph begins.
    let [right_x, right_y, up_x, up_y, ..] = coefficients;
    let origin = transform * Point::ZERO;
    let wide = right_x.hypot(right_y) * EM;
    let high = up_x.hypot(up_y) * EM;
    let advance = match &**drawn {
        Drawn::Outline(glyph) => glyph.advance_width(),
        Drawn::Type3(glyph) => glyph.advance_width(),
    };
    // The glyphs of a font that stands in for another one are stretched; the advance is not.
    let width = f64::from(advance.unwrap_or(500.0)) / EM * wide.min(high);

    let angle = right_y.atan2(right_x).to_degrees().round() as i16;
    let is_vertical = matches!(mode, WritingMode::Vertical);
    let turn = if is_vertical { angle - 90 } else { angle };
    let turn = if turn.rem_euclid(360) <= 2 || turn.rem_euclid(360) >= 358 { 0 } else { turn };
    let turned = Affine::rotate(-f64::from(turn).to_radians()) * origin;
    let along = if turn == 0 { origin } else { turned };

    Some(Glyph {
        x: along.x as f32,
        y: along.y as f32,
        width: if is_vertical { high as f32 } else { width as f32 },
        size: (high as f32).clamp(1.0, 1_000.0),
        bold: false,
        turn,
        text: String::new(),
    })
}

/// The space that a glyph takes on the page.
fn bounds(glyph: &Glyph) -> Rect {
    let size = f64::from(glyph.size);
    let x = f64::from(glyph.x);
    let y = f64::from(glyph.y);
    let upright = Rect::new(x, y, x + f64::from(glyph.width), y + 0.7 * size);
    if glyph.turn == 0 {
        return upright;
    }
    Affine::rotate(f64::from(glyph.turn).to_radians()).transform_rect_bbox(upright)
}

/// The text of a glyph, unless it has none.
fn named(text: BfString) -> Option<String> {
    let text = match text {
        BfString::Char(c) => c.to_string(),
        BfString::String(text) => text,
    };
    let is_nothing = text.chars().all(|c| matches!(c, '\0' | '\u{FFFD}' | '\u{FFFF}'));
    (!is_nothing).then(|| strings::plain(&text))
}
