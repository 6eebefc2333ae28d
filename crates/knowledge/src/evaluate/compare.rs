//! Two runs held against each other.

use replyx_core::evaluation::{Metrics, QuestionResult};

/// A measure in two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The measure, by the name of its field in [`Metrics`].
    pub measure: &'static str,
    /// In the earlier run.
    pub before: f64,
    /// In the later run.
    pub after: f64,
    /// Whether it is worse by more than the tolerance.
    pub regressed: bool,
}

/// The metrics that improved and those that got worse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The measures that both runs have.
    pub changes: Vec<Change>,
    /// Questions that went right and no longer do: their places in both runs.
    pub broken: Vec<String>,
    /// Questions that went wrong and no longer do.
    pub mended: Vec<String>,
}

impl Comparison {
    /// Whether any measure is worse by more than the tolerance.
    pub fn regressed(&self) -> bool {
        self.changes.iter().any(|change| change.regressed)
    }
}

type Measure = (&'static str, fn(&Metrics) -> Option<f64>, bool);

/// Name, value, and whether more is better. Times and cost are shown and do not block: they depend
/// on the machine and the price list.
const MEASURES: &[Measure] = &[
    ("recall_1", |metrics| metrics.recall_1, true),
    ("recall_3", |metrics| metrics.recall_3, true),
    ("recall_5", |metrics| metrics.recall_5, true),
    ("recall_10", |metrics| metrics.recall_10, true),
    ("mrr", |metrics| metrics.mrr, true),
    ("ndcg", |metrics| metrics.ndcg, true),
    ("containment", |metrics| metrics.containment, true),
    ("abstention_precision", |metrics| metrics.abstention_precision, true),
    ("abstention_recall", |metrics| metrics.abstention_recall, true),
    ("wrongly_declined", |metrics| metrics.wrongly_declined, false),
    ("unverified", |metrics| metrics.unverified, false),
    ("failed", |metrics| metrics.failed, false),
];

/// Holds a later run against an earlier one. `tolerance` is by how much a share may get worse, 0 to
/// 1.
pub fn compare(
    (before, before_results): (&Metrics, &[QuestionResult]),
    (after, after_results): (&Metrics, &[QuestionResult]),
    tolerance: f64,
) -> Comparison {
    let changes = MEASURES.iter().filter_map(|(measure, of, more_is_better)| {
        let before = of(before)?;
        let after = of(after)?;
        let worse = if *more_is_better { before - after } else { after - before };
        // A share is a fraction of counts: what is a hair beyond is the noise of floating point.
        let regressed = worse > tolerance + 1e-9;
        Some(Change { measure, before, after, regressed })
    });
    let mut broken = Vec::new();
    let mut mended = Vec::new();
    for result in after_results {
        let same = |earlier: &&QuestionResult| earlier.question == result.question;
        let Some(earlier) = before_results.iter().find(same) else { continue };
        match went_right(earlier, result) {
            (true, false) => broken.push(result.question.clone()),
            (false, true) => mended.push(result.question.clone()),
            _ => {}
        }
    }
    Comparison { changes: changes.collect(), broken, mended }
}

/// By their answers; where one of the runs has none, both by what was found.
fn went_right(before: &QuestionResult, after: &QuestionResult) -> (bool, bool) {
    match (before.right, after.right) {
        (Some(before), Some(after)) => (before, after),
        _ => (before.rank.is_some(), after.rank.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_regresses_only_beyond_the_tolerance() {
        let metrics = |recall_1, wrongly_declined| Metrics {
            recall_1: Some(recall_1),
            wrongly_declined: Some(wrongly_declined),
            ..Metrics::default()
        };
        let regressed = |after: &Metrics, tolerance| {
            compare((&metrics(0.9, 0.1), &[]), (after, &[]), tolerance).regressed()
        };
        assert!(!regressed(&metrics(0.9, 0.1), 0.0));
        assert!(!regressed(&metrics(0.88, 0.12), 0.02));
        assert!(regressed(&metrics(0.87, 0.1), 0.02));
        assert!(regressed(&metrics(0.95, 0.2), 0.02), "declining more is worse");
        assert!(!regressed(&Metrics::default(), 0.0), "what is not measured cannot be worse");
    }

    fn result(question: &str, right: Option<bool>, rank: Option<usize>) -> QuestionResult {
        QuestionResult {
            question: question.to_owned(),
            rank,
            found: Vec::new(),
            answer: None,
            contained: None,
            declined: None,
            right,
        }
    }

    #[test]
    fn a_run_with_answers_and_one_without_are_compared_by_what_was_found() {
        let before = [result("a", None, Some(1)), result("b", Some(false), Some(1))];
        let after = [result("a", Some(false), Some(1)), result("b", None, None)];
        let metrics = Metrics::default();
        let comparison = compare((&metrics, &before), (&metrics, &after), 0.0);
        assert_eq!((comparison.broken, comparison.mended), (vec!["b".to_owned()], vec![]));
    }

    #[test]
    fn questions_that_turned_are_named() {
        let result = |question: &str, right| result(question, Some(right), None);
        let before = [result("a", true), result("b", false), result("c", true)];
        let after =
            [result("c", true), result("b", true), result("a", false), result("new", false)];
        let metrics = Metrics::default();
        let comparison = compare((&metrics, &before), (&metrics, &after), 0.0);
        assert_eq!(
            (comparison.broken, comparison.mended),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
    }
}
