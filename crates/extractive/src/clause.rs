//! A clause that is asked for by its number: `What does clause 2.3 say?`

use replyx_text::clauses;

use super::{compose::LONGEST, units::Unit};
use crate::Quotation;

/// The clause of that number, if the question names one and the units hold it: itself, or what
/// stands under the heading with that number.
pub(super) fn quote(question: &str, units: &[Unit]) -> Option<Quotation> {
    let number = clauses::asked(question)?;
    let is_it =
        |line: &str| clauses::mark(line).is_some_and(|(mark, _)| clauses::number(mark) == number);
    let heads = |unit: &Unit| unit.headings.lines().next_back().is_some_and(is_it);

    if let Some(own) = units.iter().position(|unit| is_it(&unit.text)) {
        let rest = units[own + 1..].iter();
        let same = rest.take_while(|unit| unit.intro == Some(own) && !is_numbered(&unit.text));
        return Some(told(std::iter::once(&units[own]).chain(same)));
    }

    let source = units.iter().find(|unit| heads(unit))?.source;
    Some(told(units.iter().filter(|unit| unit.source == source && heads(unit))))
}

/// Does a clause with a number of several parts begin here?
fn is_numbered(text: &str) -> bool {
    clauses::mark(text).is_some_and(|(mark, _)| clauses::number(mark).contains('.'))
}

/// As many of these units as an answer holds; the first one is cut if it is too long.
fn told<'u>(units: impl Iterator<Item = &'u Unit>) -> Quotation {
    let mut text = String::new();
    let mut sources = Vec::new();
    for unit in units {
        let longer = text.chars().count() + 1 + unit.text.chars().count();
        if !text.is_empty() && longer > LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&unit.text);
        if !sources.contains(&unit.source) {
            sources.push(unit.source);
        }
    }

    if text.chars().count() > LONGEST {
        let cut: String = text.chars().take(LONGEST - 1).collect();
        text = format!("{}…", cut.trim_end());
    }
    Quotation::sure(text, sources)
}
