//! The sample shop's documents and the customer's questions, built into the program.

use std::{fs, path::Path};

use anyhow::Context;
use serde::Deserialize;

use super::ask::Answer;

/// A document to upload.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// A question of the script.
#[derive(Debug, Deserialize)]
pub(super) struct Question {
    pub(super) text: String,
    #[serde(default)]
    expects: Vec<String>,
    #[serde(default)]
    document: Option<String>,
    #[serde(default)]
    unknown: bool,
}

impl Question {
    /// Does the answer hold every fact it should, from the document that knows it? For a question
    /// that no document answers: does it say so?
    pub(super) fn is_answered_by(&self, answer: &Answer) -> bool {
        if self.unknown {
            return answer.outcome == "unknown";
        }
        let from = self.document.as_deref();
        answer.outcome == "answered"
            && self.expects.iter().all(|fact| answer.text.contains(fact.as_str()))
            && from.is_none_or(|name| {
                answer.sources.iter().any(|source| source.title.starts_with(name))
            })
    }
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../documents/", $name)).as_slice())),+]
    };
}

/// The built-in documents, or all files of a folder.
pub(super) fn documents(folder: Option<&Path>) -> anyhow::Result<Vec<Document>> {
    let Some(folder) = folder else {
        let built_in = built_in!(
            "about.en.md",
            "care.ru.pdf",
            "contacts.ru.md",
            "delivery.en.md",
            "delivery.ru.md",
            "gift-cards.en.txt",
            "loyalty.en.md",
            "loyalty.ru.md",
            "opening-hours.en.md",
            "payment.ru.txt",
            "prices.en.md",
            "prices.ru.md",
            "rental.en.pdf",
            "repairs.ru.md",
            "returns.en.md",
            "returns.ru.md",
            "warranty.en.md",
            "warranty.ru.md"
        );

        return Ok(built_in
            .into_iter()
            .map(|(name, bytes)| Document { name: name.to_owned(), bytes: bytes.to_vec() })
            .collect());
    };

    let mut documents = Vec::new();
    let entries = fs::read_dir(folder)
        .with_context(|| format!("the folder `{}` cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_file() {
            documents.push(Document { name: name.to_owned(), bytes: fs::read(&path)? });
        }
    }

    documents.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(documents)
}

/// The script.
pub(super) fn questions() -> anyhow::Result<Vec<Question>> {
    #[derive(Deserialize)]
    struct Script {
        question: Vec<Question>,
    }
    let text = include_str!("../script.toml");
    let file = config::File::from_str(text, config::FileFormat::Toml);
    let script: Script = config::Config::builder().add_source(file).build()?.try_deserialize()?;
    Ok(script.question)
}
