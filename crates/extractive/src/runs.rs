//! What is compared in meaning: runs of sentences, list items, table rows, each with what it stands
//! under.
//!
//! A vector of a whole passage says what the passage is about; which of its sentences answer is
//! told by vectors of their own. [`of`] makes the same runs of the same passage each time, so that
//! what was embedded when the passage was indexed is known again when it is quoted.

use super::{
    compose::LONGEST,
    units::{Kind, Unit},
};

/// A passage has no more runs than this.
const MOST: usize = 24;

/// Units that are quoted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) units: Vec<usize>,
    pub(super) source: usize,
    /// The heading or the question that it stands under.
    pub(super) label: String,
}

impl Run {
    /// What is embedded of it.
    pub(super) fn embedded(&self, units: &[Unit]) -> String {
        let texts = self.units.iter().map(|unit| units[*unit].text.as_str());
        let label = Some(self.label.as_str()).filter(|label| !label.is_empty());
        label.into_iter().chain(texts).collect::<Vec<_>>().join("\n")
    }
}

/// The runs of the units, source by source.
pub(super) fn of(units: &[Unit]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut of_source = 0;
    let mut add = |run: Run| {
        let is_next = runs.last().is_none_or(|last| last.source != run.source);
        of_source = if is_next { 1 } else { of_source + 1 };
        if of_source <= MOST {
            runs.push(run);
        }
    };

    let mut at = 0;
    let mut asking: Option<usize> = None;
    while at < units.len() {
        let first = &units[at];
        if first.asks() {
            asking = Some(at);
            at += 1;
            continue;
        }
        let same = |unit: &Unit| {
            unit.source == first.source && unit.headings == first.headings && !unit.asks()
        };
        let goes_on = |unit: &&Unit| same(unit) && unit.kind == first.kind;
        let end = at + units[at..].iter().take_while(goes_on).count();
        let question = asking
            .map(|asking| &units[asking])
            .filter(|asking| asking.source == first.source && asking.headings == first.headings);
        let label = match question {
            Some(question) => question.text.clone(),
            None => innermost(first).to_owned(),
        };

        let run = |units: Vec<usize>| Run { units, source: first.source, label: label.clone() };
        if first.kind == Kind::Sentence {
            for units in windows(units, at, end) {
                add(run(units));
            }
        } else {
            if first.kind == Kind::Item
                && let Some(list) = whole(units, at, end)
            {
                add(run(list));
            }
            (at..end).for_each(|unit| add(run(vec![unit])));
        }
        at = end;
    }
    runs
}

/// The heading next above a unit; the title of the document is none.
fn innermost(unit: &Unit) -> &str {
    let mut lines = unit.headings.lines();
    lines.next();
    lines.next_back().unwrap_or_default()
}

/// As many sentences as a quotation holds, from each on that is not in an earlier window to its
/// end. None ends with a sentence that introduces what comes next.
fn windows(units: &[Unit], from: usize, to: usize) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = Vec::new();
    let mut reached = from;
    for begin in from..to {
        let mut length = 0;
        let fits = |unit: &usize| {
            length += units[*unit].text.chars().count() + 1;
            *unit == begin || length <= LONGEST
        };
        let mut window: Vec<usize> = (begin..to).take_while(fits).collect();
        while window.last().is_some_and(|last| units[*last].text.ends_with(':')) {
            window.pop();
        }
        let Some(end) = window.last().map(|last| last + 1) else { continue };
        if end > reached {
            reached = end;
            found.push(window);
        }
    }
    found
}

/// A list with what introduces it, if a quotation holds all of it.
fn whole(units: &[Unit], from: usize, to: usize) -> Option<Vec<usize>> {
    let intro = units[from].intro.filter(|intro| units[*intro].text.ends_with(':'));
    let list: Vec<usize> = intro.into_iter().chain(from..to).collect();
    let length: usize = list.iter().map(|unit| units[*unit].text.chars().count() + 3).sum();
    (list.len() > 1 && length <= LONGEST).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, units::units};

    fn embedded(headings: &[&str], text: &str) -> Vec<String> {
        let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
        let source =
            Source { title: "shop.md".into(), headings, text: text.into(), ..Source::default() };
        let units = units(&[source]);
        of(&units).iter().map(|run| run.embedded(&units)).collect()
    }

    #[test]
    fn sentences_of_one_heading_are_one_run_and_those_of_two_are_not() {
        assert_eq!(
            embedded(&["Shop"], "## Time\n\nTwo days.\n\nOr three.\n\n## Price\n\nFive euros."),
            ["Time\nTwo days.\nOr three.", "Price\nFive euros."]
        );
    }

    #[test]
    fn rows_and_items_stand_alone_and_a_short_list_also_as_a_whole() {
        assert_eq!(
            embedded(&["Prices"], "| Tea | Price |\n|---|---|\n| Green | 5 |\n| Black | 4 |"),
            ["Prices\nTea: Green; Price: 5", "Prices\nTea: Black; Price: 4"]
        );
        assert_eq!(
            embedded(&["Pay"], "We accept:\n\n- cards\n- cash"),
            ["Pay\nWe accept:\ncards\ncash", "Pay\ncards", "Pay\ncash"]
        );
    }

    #[test]
    fn a_question_of_the_document_stands_above_its_answer() {
        assert_eq!(
            embedded(&[], "How long?\nTwo years.\n\nHow much?\nFive euros."),
            ["How long?\nTwo years.", "How much?\nFive euros."]
        );
    }

    #[test]
    fn long_prose_has_a_window_for_every_sentence_and_no_more() {
        let sentence = |n: usize| format!("{n}{} ends here.", "a".repeat(120));
        let text: Vec<String> = (1..=4).map(sentence).collect();
        let runs = embedded(&[], &text.join(" "));
        assert_eq!(runs.len(), 3);
        assert!(runs[0].starts_with('1') && runs[2].contains("\n4"));
        assert!(embedded(&[], &"Yes it is so. ".repeat(5_000)).len() <= MOST);
    }
}
