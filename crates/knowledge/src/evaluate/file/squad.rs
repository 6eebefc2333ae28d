//! `SQuAD`'s form of questions (Rajpurkar et al., 2016 and 2018), in which public sets come.

use replyx_core::evaluation::Question;
use serde::Deserialize;

use super::{FileDocument, QuestionFile};

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    #[serde(default)]
    title: String,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

/// `None` when it has another form.
pub(super) fn read(text: &str) -> Option<QuestionFile> {
    let squad: Squad = serde_json::from_str(text).ok()?;
    let mut file = QuestionFile { name: None, documents: Vec::new(), questions: Vec::new() };
    for article in squad.data {
        let title = if article.title.is_empty() { "untitled" } else { article.title.trim() };
        for (paragraph, number) in article.paragraphs.into_iter().zip(1..) {
            let name = format!("{title}, paragraph {number}");
            for asked in paragraph.qas {
                let mut question = Question { question: asked.question, ..Question::default() };
                if !asked.is_impossible {
                    question.document_names.push(name.clone());
                    question.answers =
                        asked.answers.into_iter().map(|answer| answer.text).collect();
                    question.answers.dedup();
                }
                file.questions.push(question);
            }
            file.documents.push(FileDocument { name, text: Some(paragraph.context) });
        }
    }
    Some(file)
}
