//! What the cosine of two vectors means.

use replyx_text::terms::differ_in_script;

use super::fuse::Scale;

/// Are two texts written in letters of the same kind?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// They are, as English and French.
    Same,
    /// They are not, as English and Russian.
    Different,
}

impl Scripts {
    /// Those of a question and a passage.
    pub fn of(question: &str, passage: &str) -> Self {
        if differ_in_script(question, passage) { Self::Different } else { Self::Same }
    }
}

/// By so much E5 puts texts of different languages farther apart than texts of one: on `XQuAD` the
/// cosines of English questions with Russian paragraphs, and the other way round, are 0.04 to 0.07
/// below those within a language, whether the paragraph answers the question or not.
const ACROSS: f64 = 0.05;

/// What a cosine means, 0 to 1. Models differ in what they give texts that have nothing in common:
/// E5 trains with a low temperature, and its cosines stay above 0.7 (see its model card).
pub fn meaning_of(model: &str, cosine: f64, scripts: Scripts) -> f64 {
    let (nothing, same) = bounds(model, scripts);
    ((cosine - nothing) / (same - nothing)).clamp(0.0, 1.0)
}

/// The cosines that a model gives texts that have nothing in common, and the same text.
fn bounds(model: &str, scripts: Scripts) -> (f64, f64) {
    match (model.contains("e5"), scripts) {
        (true, Scripts::Different) => (0.80 - ACROSS, 0.95 - ACROSS),
        (true, Scripts::Same) => (0.80, 0.95),
        (false, _) => (0.20, 0.80),
    }
}

/// What cosines are held against when passages are put into order, whatever their language; without
/// a model words alone decide.
pub(super) fn scale(model: Option<&str>) -> Scale {
    let Some(model) = model else { return Scale { nothing: 0.0, spread: 1.0 } };
    let (nothing, same) = bounds(model, Scripts::Different);
    Scale { nothing, spread: same - nothing }
}
