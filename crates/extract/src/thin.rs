//! Pages that gave no text, or hardly any.

use replyx_core::knowledge::{DocumentWarning, WarningCode, enumerated};

/// A page with fewer letters and digits than this is thin: a number, a running title.
const THIN: usize = 25;

/// How much each page says: letters and digits, for pages that begin at these places of a text.
pub(super) fn letters(text: &str, pages: &[usize]) -> Vec<usize> {
    let ends = pages.iter().skip(1).copied().chain([text.len()]);
    pages
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let page = text.get(*start..end).unwrap_or_default();
            page.chars().filter(|c| c.is_alphanumeric()).count()
        })
        .collect()
}

/// Is there hardly anything on a page?
pub(super) const fn is_thin(letters: usize) -> bool {
    letters < THIN
}

/// What is to be said of pages (or slides) without text, and of thin ones.
pub(super) fn warnings(what: &str, silent: &[usize], thin: &[usize]) -> Vec<DocumentWarning> {
    let named = |pages: &[usize]| {
        let plural = if pages.len() == 1 { "" } else { "s" };
        format!("{what}{plural} {}", enumerated(pages))
    };
    let mut warnings = Vec::new();
    if !silent.is_empty() {
        let have = if silent.len() == 1 { "has" } else { "have" };
        let detail = format!("{} {have} no text: pictures or scans are not read", named(silent));
        warnings.push(DocumentWarning::pages(WarningCode::PagesWithoutText, silent, detail));
    }
    if !thin.is_empty() {
        let gave =
            format!("{} gave almost no text: look whether something is missing", named(thin));
        warnings.push(DocumentWarning::pages(WarningCode::ThinPages, thin, gave));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_by_what_they_say() {
        let text = "A page with enough to say for itself\n\n7\n\n";
        let letters = letters(text, &[0, 38, text.len(), text.len()]);
        assert_eq!(letters, [29, 1, 0, 0]);
        let warnings = warnings("page", &[3, 4], &[2]);
        assert_eq!(warnings[0].pages, [3, 4]);
        assert_eq!(warnings[0].detail, "pages 3, 4 have no text: pictures or scans are not read");
        assert_eq!((warnings[1].count, warnings[1].pages.as_slice()), (1, &[2][..]));
    }
}
