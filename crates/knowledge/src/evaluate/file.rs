//! Questions in a file.

mod squad;

use replyx_core::evaluation::Question;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// No set has more questions than this.
pub const MAX_QUESTIONS: usize = 2_000;
/// No question, name or expected string is longer than this, characters.
const LONGEST: usize = 4_000;

/// A file of questions: JSON, or one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionFile {
    /// What people call the set.
    #[serde(default)]
    pub name: Option<String>,
    /// The documents the questions are about: files beside this one, or given here by name and
    /// text.
    #[serde(default)]
    pub documents: Vec<FileDocument>,
    /// The questions.
    pub questions: Vec<Question>,
}

/// A document of a file of questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDocument {
    /// Its name; without `text`, a path relative to the file of questions.
    pub name: String,
    /// Its text.
    #[serde(default)]
    pub text: Option<String>,
}

/// A file of questions cannot be used. The text is for its author.
#[derive(Debug, Error)]
pub enum BadFile {
    /// Not JSON, or not of this form.
    #[error("line {line}: {reason}")]
    Form {
        /// Where, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A question is not acceptable.
    #[error("question {number}: {reason}")]
    Question {
        /// Which, from 1.
        number: usize,
        /// Why.
        reason: &'static str,
    },
    /// No questions, or too many.
    #[error("a set has 1 to {MAX_QUESTIONS} questions, this has {0}")]
    Count(usize),
}

impl QuestionFile {
    /// Reads a file of questions: an object with `questions`, a list of questions, one question a
    /// line, or `SQuAD`'s form, in which every paragraph is a document.
    ///
    /// # Errors
    ///
    /// [`BadFile`] says where and why.
    pub fn parse(text: &str) -> Result<Self, BadFile> {
        // Blank lines before it stay: errors count lines.
        let text = text.trim_start_matches('\u{feff}').trim_end();
        let form = |error: &serde_json::Error| BadFile::Form {
            line: error.line(),
            reason: error.to_string(),
        };
        let bare = |questions| Self { name: None, documents: Vec::new(), questions };
        let file = if text.trim_start().starts_with('[') {
            bare(serde_json::from_str(text).map_err(|error| form(&error))?)
        } else {
            match serde_json::from_str::<Self>(text) {
                Ok(file) => file,
                Err(error) => match (squad::read(text), lines(text)) {
                    (Some(file), _) => file.map_err(|error| form(&error))?,
                    (None, Some(questions)) => bare(questions?),
                    (None, None) => return Err(form(&error)),
                },
            }
        };
        check(&file.questions)?;
        Ok(file)
    }
}

/// One question a line, if the first line is one.
fn lines(text: &str) -> Option<Result<Vec<Question>, BadFile>> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    serde_json::from_str::<Question>(first).ok()?;
    let questions = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    Some(
        questions
            .map(|(line, number)| {
                serde_json::from_str(line)
                    .map_err(|error| BadFile::Form { line: number, reason: error.to_string() })
            })
            .collect(),
    )
}

/// Checks the questions of a set.
///
/// # Errors
///
/// [`BadFile`] names the first question that is not acceptable.
pub fn check(questions: &[Question]) -> Result<(), BadFile> {
    if questions.is_empty() || questions.len() > MAX_QUESTIONS {
        return Err(BadFile::Count(questions.len()));
    }

    for (question, number) in questions.iter().zip(1..) {
        let bad = |reason| Err(BadFile::Question { number, reason });
        let strings = question.answers.iter().chain(&question.document_names);

        if question.question.trim().is_empty() {
            return bad("it asks nothing");
        }
        if strings.clone().any(|string| string.trim().is_empty()) {
            return bad("an expected string is empty");
        }

        let mut all = strings.chain(std::iter::once(&question.question));
        if all.any(|string| string.chars().count() > LONGEST) {
            return bad("a text is longer than 4,000 characters");
        }

        let expected = question.answers.len()
            + question.documents.len()
            + question.document_names.len()
            + question.passages.len();

        if expected > 100 {
            return bad("it expects more than 100 things");
        }
    }

    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_are_read() {
        let one = r#"{"question": "How much?", "answers": ["5 EUR"]}"#;
        let list = format!("[{one}]");
        let object = format!(r#"{{"name": "Prices", "questions": [{one}]}}"#);
        let lines = format!("{one}\n\n{one}\n");
        for (text, count) in [(list, 1), (object, 1), (lines, 2), (one.to_owned(), 1)] {
            let file = QuestionFile::parse(&text).unwrap();
            assert_eq!(file.questions.len(), count, "{text}");
            assert_eq!(file.questions[0].answers, ["5 EUR"]);
        }
    }

    #[test]
    fn each_paragraph_of_squad_is_a_document_of_its_questions() {
        let text = r#"{"version": "2.0", "data": [{"title": "Oil", "paragraphs": [
            {"context": "Oil is black.", "qas": [
                {"id": "1", "question": "What colour?", "answers": [{"text": "black", "answer_start": 7}]},
                {"id": "2", "question": "What price?", "answers": [], "is_impossible": true}]},
            {"context": "Oil burns.", "qas": [{"question": "Does it burn?", "answers": [{"text": "burns"}]}]}]}]}"#;
        let file = QuestionFile::parse(text).unwrap();
        let names: Vec<&str> =
            file.documents.iter().map(|document| document.name.as_str()).collect();
        assert_eq!(names, ["a1p1", "a1p2"]);
        assert_eq!(file.documents[1].text.as_deref(), Some("Oil burns."));
        assert_eq!(file.questions[0].answers, ["black"]);
        assert_eq!(file.questions[0].document_names, ["a1p1"]);
        assert!(file.questions[1].is_unanswerable());
        assert_eq!(file.questions[2].document_names, ["a1p2"]);
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place() {
        let error = |text: &str| QuestionFile::parse(text).unwrap_err().to_string();
        assert!(error("nonsense").starts_with("line 1"), "{}", error("nonsense"));
        let second = "{\"question\": \"a\"}\n{\"question\": 5}";
        assert!(error(second).starts_with("line 2"), "{}", error(second));
        assert_eq!(error("[]"), "a set has 1 to 2000 questions, this has 0");
        let blank = r#"[{"question": "a"}, {"question": " "}]"#;
        assert_eq!(error(blank), "question 2: it asks nothing");
        assert!(error(r#"{"questions": [{"question": "a"}], "extra": 1}"#).contains("extra"));
    }
}
