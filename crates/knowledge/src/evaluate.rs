//! How well an assistant finds and answers: measured by questions whose right answers are known.
//!
//! [`judge`] says how one question went, [`Tally`] sums up, [`compare`] holds two runs against each
//! other. All of it is pure; who asks the questions is the business of the caller.
//!
//! Measures of search (recall@k, MRR, nDCG) are over the questions that say what should be found;
//! with one expected thing per question the ideal order has it first, so nDCG is
//! `1 / log2(rank + 1)` (Järvelin and Kekäläinen, 2002).

use std::time::Duration;

use replyx_core::{
    evaluation::{Metrics, Question, QuestionResult},
    money::Money,
};

use crate::search::Hit;

mod compare;
mod file;
mod run;

pub use compare::{Change, Comparison, compare};
pub use file::{BadFile, FileDocument, MAX_QUESTIONS, QuestionFile, check};
pub use run::{Evaluate, settings_hash};

/// So deep is looked for what was expected.
pub const DEPTH: usize = 10;

/// What an assistant said to a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvaluatedAnswer {
    /// The answer.
    pub text: String,
    /// Is it that the documents do not say it?
    pub declined: bool,
    /// Is it an apology, because no model answered?
    pub failed: bool,
    /// If it is longer than this, what it holds does not count, characters.
    pub longest: Option<usize>,
    /// Did it fail the check against its sources?
    pub unverified: bool,
    /// What it cost.
    pub cost: Money,
    /// From question to answer.
    pub took: Duration,
}

/// How one question went.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionOutcome {
    /// For people.
    pub result: QuestionResult,
    searchable: bool,
    search: Duration,
    said: Option<EvaluatedAnswer>,
    unanswerable: bool,
    has_strings: bool,
}

/// Judges what was found for a question, and what was said to it where answers were asked for.
pub fn judge(
    question: &Question,
    hits: &[Hit],
    search: Duration,
    said: Option<EvaluatedAnswer>,
) -> QuestionOutcome {
    let unanswerable = question.is_unanswerable();
    let rank = hits.iter().take(DEPTH).position(|hit| is_expected(question, hit)).map(|at| at + 1);
    let mut found: Vec<String> = Vec::new();
    for hit in hits.iter().take(DEPTH) {
        if !found.contains(&hit.passage.title) {
            found.push(hit.passage.title.clone());
        }
    }

    let contained = said.as_ref().filter(|_| !question.answers.is_empty()).map(|said| {
        let short = said.longest.is_none_or(|longest| said.text.chars().count() <= longest);
        let meant = !said.declined && !said.failed && short;
        meant && question.answers.iter().any(|answer| holds(&said.text, answer))
    });

    let declined = said.as_ref().map(|said| said.declined);
    let right = said.as_ref().map(|said| match (unanswerable, contained) {
        (true, _) => said.declined,
        (false, Some(contained)) => contained,
        (false, None) => !said.declined && !said.failed,
    });

    QuestionOutcome {
        result: QuestionResult {
            question: question.question.clone(),
            rank,
            found,
            answer: said.as_ref().map(|said| said.text.clone()),
            contained,
            declined,
            right,
        },
        searchable: !unanswerable,
        search,
        said,
        unanswerable,
        has_strings: !question.answers.is_empty(),
    }
}

/// Is this what the question should find? Passages and documents that are named decide; where none
/// is, the passage must hold an expected string.
fn is_expected(question: &Question, hit: &Hit) -> bool {
    let passage = &hit.passage;
    let named = !question.passages.is_empty()
        || !question.documents.is_empty()
        || !question.document_names.is_empty();
    if named {
        return question.passages.contains(&passage.id)
            || question.documents.contains(&passage.document_id)
            || question.document_names.contains(&passage.title);
    }
    question.answers.iter().any(|answer| holds(&passage.text, answer))
}

/// Does a text hold a string? Letter case and the number of blanks do not count.
pub fn holds(text: &str, string: &str) -> bool {
    let string = plain(string);
    !string.is_empty() && plain(text).contains(&string)
}

fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace('ё', "е");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sums up how questions went.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    judged: Vec<QuestionOutcome>,
}

impl Tally {
    /// Takes one more question into account.
    pub fn add(&mut self, judged: QuestionOutcome) {
        self.judged.push(judged);
    }

    /// The results, in the order they were added.
    pub fn results(&self) -> Vec<QuestionResult> {
        self.judged.iter().map(|judged| judged.result.clone()).collect()
    }

    /// How many questions no model answered.
    pub fn failed(&self) -> usize {
        let failed =
            |judged: &&QuestionOutcome| judged.said.as_ref().is_some_and(|said| said.failed);
        self.judged.iter().filter(failed).count()
    }

    /// The sums.
    pub fn metrics(&self) -> Metrics {
        let searched: Vec<&QuestionOutcome> =
            self.judged.iter().filter(|judged| judged.searchable).collect();
        let within =
            |depth| share(&searched, |judged| judged.result.rank.is_some_and(|rank| rank <= depth));
        let mean = |of: fn(usize) -> f64| {
            let sum: f64 = searched.iter().filter_map(|judged| judged.result.rank).map(of).sum();
            (!searched.is_empty()).then(|| sum / float(searched.len()))
        };

        let answered: Vec<&QuestionOutcome> =
            self.judged.iter().filter(|judged| judged.said.is_some()).collect();
        let is_declined = |judged: &&&QuestionOutcome| judged.result.declined == Some(true);
        let declined: Vec<&QuestionOutcome> =
            answered.iter().filter(is_declined).copied().collect();
        let of = |wanted: bool| -> Vec<&QuestionOutcome> {
            answered.iter().filter(|judged| judged.unanswerable == wanted).copied().collect()
        };
        let unanswerable = of(true);
        let answerable = of(false);
        let with_strings: Vec<&QuestionOutcome> =
            answerable.iter().filter(|judged| judged.has_strings).copied().collect();
        let said = || answered.iter().filter_map(|judged| judged.said.as_ref());
        let search_times = millis(self.judged.iter().map(|judged| judged.search));
        let answer_times = millis(said().map(|said| said.took));
        Metrics {
            questions: self.judged.len(),
            searchable: searched.len(),
            recall_1: within(1),
            recall_3: within(3),
            recall_5: within(5),
            recall_10: within(10),
            mrr: mean(|rank| 1.0 / float(rank)),
            ndcg: mean(|rank| 1.0 / float(rank + 1).log2()),
            containment: share(&with_strings, |judged| judged.result.contained == Some(true)),
            abstention_precision: share(&declined, |judged| judged.unanswerable),
            abstention_recall: share(&unanswerable, |judged| judged.result.declined == Some(true)),
            wrongly_declined: share(&answerable, |judged| judged.result.declined == Some(true)),
            unverified: share(&answered, |judged| {
                judged.said.as_ref().is_some_and(|said| said.unverified)
            }),
            failed: share(&answered, |judged| judged.said.as_ref().is_some_and(|said| said.failed)),
            search_p50_ms: percentile(&search_times, 50).unwrap_or_default(),
            search_p99_ms: percentile(&search_times, 99).unwrap_or_default(),
            answer_p50_ms: percentile(&answer_times, 50),
            answer_p99_ms: percentile(&answer_times, 99),
            cost: said().fold(Money::ZERO, |sum, said| sum + said.cost),
        }
    }
}

/// The share of those that hold a property; `None` of none.
fn share(judged: &[&QuestionOutcome], holds: impl Fn(&QuestionOutcome) -> bool) -> Option<f64> {
    let count = judged.iter().filter(|judged| holds(judged)).count();
    (!judged.is_empty()).then(|| float(count) / float(judged.len()))
}

fn millis(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut millis: Vec<f64> = times.map(|time| time.as_secs_f64() * 1000.0).collect();
    millis.sort_by(f64::total_cmp);
    millis
}

/// The value below which `percent` of the sorted values lie, by the nearest rank.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map(|value| (value * 1000.0).round() / 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions are small")]
fn float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use replyx_core::{clock::Clock, ids::DocumentId, knowledge::Passage};

    use super::*;

    fn hit(document: DocumentId, text: &str) -> Hit {
        let passage = Passage {
            id: Clock::system().id(),
            document_id: document,
            title: "prices.md".to_owned(),
            headings: String::new(),
            text: text.to_owned(),
            position: 0,
            start: 0,
            end: 1,
            page: None,
        };
        Hit { passage, score: 0.5, words: None, likeness: None, meaning: None, runs: Vec::new() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what `judge` takes")]
    fn said(text: &str, declined: bool) -> Option<EvaluatedAnswer> {
        Some(EvaluatedAnswer { text: text.to_owned(), declined, ..EvaluatedAnswer::default() })
    }

    const QUICK: Duration = Duration::from_millis(2);

    #[test]
    fn named_documents_decide_and_strings_only_without_them() {
        let clock = Clock::system();
        let right: DocumentId = clock.id();
        let other: DocumentId = clock.id();
        let hits = [hit(other, "costs 300  ₽"), hit(right, "nothing")];
        let by_string = Question { answers: vec!["300 ₽".to_owned()], ..Question::default() };
        assert_eq!(judge(&by_string, &hits, QUICK, None).result.rank, Some(1));
        let by_document = Question { documents: vec![right], ..by_string };
        assert_eq!(judge(&by_document, &hits, QUICK, None).result.rank, Some(2));
        let by_name =
            Question { document_names: vec!["other.md".to_owned()], ..Question::default() };
        assert_eq!(judge(&by_name, &hits, QUICK, None).result.rank, None);
    }

    #[test]
    fn the_sums_are_those_of_the_books() {
        let clock = Clock::system();
        let right: DocumentId = clock.id();
        let other: DocumentId = clock.id();
        let question = Question {
            documents: vec![right],
            answers: vec!["Ёлка".to_owned()],
            ..Question::default()
        };
        let nothing = Question::default();
        let mut tally = Tally::default();
        let first = [hit(right, "x")];
        let third = [hit(other, "x"), hit(other, "y"), hit(right, "x")];
        tally.add(judge(&question, &first, QUICK, said("Это елка.", false)));
        tally.add(judge(&question, &third, QUICK, said("I do not know", true)));
        tally.add(judge(&nothing, &third, QUICK, said("I do not know", true)));
        tally.add(judge(&nothing, &third, QUICK, said("Yes!", false)));
        let metrics = tally.metrics();
        assert_eq!((metrics.questions, metrics.searchable), (4, 2));
        assert_eq!((metrics.recall_1, metrics.recall_3), (Some(0.5), Some(1.0)));
        assert!((metrics.mrr.unwrap() - 1.0_f64.midpoint(1.0 / 3.0)).abs() < 1e-9);
        assert!((metrics.ndcg.unwrap() - 0.75).abs() < 1e-9);
        assert_eq!(metrics.containment, Some(0.5));
        assert_eq!(metrics.abstention_precision, Some(0.5));
        assert_eq!(metrics.abstention_recall, Some(0.5));
        assert_eq!(metrics.wrongly_declined, Some(0.5));
        let right: Vec<_> = tally.results().iter().map(|result| result.right).collect();
        assert_eq!(right, [Some(true), Some(false), Some(true), Some(false)]);
    }

    #[test]
    fn an_apology_is_no_answer_and_no_abstention() {
        let failed = || {
            Some(EvaluatedAnswer {
                text: "Sorry".to_owned(),
                failed: true,
                ..EvaluatedAnswer::default()
            })
        };
        let mut tally = Tally::default();
        let by_name =
            Question { document_names: vec!["prices.md".to_owned()], ..Question::default() };
        for question in [Question::default(), by_name] {
            let judged = judge(&question, &[], QUICK, failed());
            assert_eq!((judged.result.right, judged.result.declined), (Some(false), Some(false)));
            tally.add(judged);
        }
        assert_eq!((tally.failed(), tally.metrics().abstention_recall), (2, Some(0.0)));
    }

    #[test]
    fn what_an_answer_that_is_too_long_holds_does_not_count() {
        let question = Question { answers: vec!["Ёлка".to_owned()], ..Question::default() };
        for (longest, contained) in [(None, true), (Some(8), true), (Some(7), false)] {
            let said = Some(EvaluatedAnswer {
                text: "Да, елка".to_owned(),
                longest,
                ..EvaluatedAnswer::default()
            });
            assert_eq!(judge(&question, &[], QUICK, said).result.contained, Some(contained));
        }
    }

    #[test]
    fn nothing_measured_is_nothing_and_not_nought() {
        let metrics = Tally::default().metrics();
        assert_eq!(
            (metrics.recall_1, metrics.containment, metrics.answer_p50_ms),
            (None, None, None)
        );
    }
}
