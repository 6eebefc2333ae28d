//! `SQuAD`'s form of questions (Rajpurkar et al., 2016 and 2018), in which public sets come.

use replyx_core::evaluation::Question;
use serde::Deserialize;

use super::{FileDocument, QuestionFile};

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

/// What tells this form from the others.
#[derive(Deserialize)]
struct Articles {
    #[serde(rename = "data")]
    _data: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
struct Article {
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

/// `None` when it has another form. Names say where a paragraph stands and nothing of what it says:
/// a name is searched, too, and the articles' titles would help.
pub(super) fn read(text: &str) -> Option<serde_json::Result<QuestionFile>> {
    serde_json::from_str::<Articles>(text).ok()?;
    Some(serde_json::from_str(text).map(file))
}

fn file(squad: Squad) -> QuestionFile {
    let mut file = QuestionFile { name: None, documents: Vec::new(), questions: Vec::new() };
    for (article, place) in squad.data.into_iter().zip(1_usize..) {
        for (paragraph, number) in article.paragraphs.into_iter().zip(1_usize..) {
            let name = format!("a{place}p{number}");
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
    file
}
