//! Measures the extractive model on a file of questions in `SQuAD`'s format.
//!
//! `cargo run --example extractive_eval -- FILE [--show]` gives each question the five paragraphs that a
//! plain BM25 finds best among all, and prints how often the expected answer stands in the model's answer
//! (at most 300 characters). Then it asks each question with the paragraphs of all other articles, where
//! the only right answer is none. `--show` prints every miss.

#![expect(clippy::cast_precision_loss, reason = "counts of words and questions are far below 2^52")]

use std::{collections::HashMap, time::Instant};

use anyhow::Context;
use replyx_core::terms;
use replyx_llm::{Extractive, Source, declines};
use serde_json::Value;

const SOURCES: usize = 5;

struct Paragraph {
    article: usize,
    text: String,
    counts: HashMap<String, f64>,
    length: f64,
}

struct Asked {
    article: usize,
    paragraph: usize,
    question: String,
    answers: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().context("usage: extractive_eval FILE [--show]")?;
    let show = arguments.next().is_some();
    let (paragraphs, asked) = read(&serde_json::from_str(&std::fs::read_to_string(file)?)?)?;
    let search = Search::over(&paragraphs);

    let (mut found, mut declined, mut abstained) = (0, 0, 0);
    let (mut held, mut in_text, mut length) = (0, 0, 0);
    let mut times = Vec::new();
    for asked in &asked {
        let top = search.best(&paragraphs, &asked.question, |_| true);
        held += usize::from(top.contains(&asked.paragraph));
        in_text += usize::from(asked.answers.iter().any(|answer| {
            top.iter().any(|at| normal(&paragraphs[*at].text).contains(&normal(answer)))
        }));
        let one = Instant::now();
        let (answer, _) = Extractive.answer(&asked.question, &sources(&paragraphs, &top));
        times.push(one.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(answer.chars().count() <= 300, "an answer is too long: {answer}");
        length += answer.chars().count();
        let right = asked.answers.iter().any(|gold| normal(&answer).contains(&normal(gold)));
        found += usize::from(right);
        declined += usize::from(declines(&answer));
        if show && !right {
            println!("? {}\n  = {}\n  > {answer}", asked.question, asked.answers[0]);
        }

        let others = search
            .best(&paragraphs, &asked.question, |paragraph| paragraph.article != asked.article);
        let (answer, _) = Extractive.answer(&asked.question, &sources(&paragraphs, &others));
        abstained += usize::from(declines(&answer));
        if show && !declines(&answer) {
            println!("! {}\n  > {answer}", asked.question);
        }
    }
    let percent = |part: usize| part as f64 * 100.0 / asked.len() as f64;
    println!("questions                      {:>6}", asked.len());
    println!("paragraph among the sources    {:>6.1} %", percent(held));
    println!("answer among the sources       {:>6.1} %", percent(in_text));
    println!("answer contains the expected   {:>6.1} %", percent(found));
    println!("declined though answerable     {:>6.1} %", percent(declined));
    println!("declined rightly               {:>6.1} %", percent(abstained));
    println!("mean length of an answer       {:>6.1}", length as f64 / asked.len() as f64);
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!("time of an answer, p50 and p99 {:>6.2} ms {:.2} ms", at(50), at(99));
    Ok(())
}

fn read(file: &Value) -> anyhow::Result<(Vec<Paragraph>, Vec<Asked>)> {
    let (mut paragraphs, mut questions) = (Vec::new(), Vec::new());
    for (article, content) in list(&file["data"])?.iter().enumerate() {
        for paragraph in list(&content["paragraphs"])? {
            let text = paragraph["context"].as_str().context("a paragraph has no context")?;
            for qa in list(&paragraph["qas"])? {
                let answers = list(&qa["answers"])?.iter();
                questions.push(Asked {
                    article,
                    paragraph: paragraphs.len(),
                    question: qa["question"].as_str().context("a question has no text")?.to_owned(),
                    answers: answers.filter_map(|a| Some(a["text"].as_str()?.to_owned())).collect(),
                });
            }
            let mut counts = HashMap::new();
            let terms = terms::terms(text);
            let length = terms.len() as f64;
            for term in terms {
                *counts.entry(term.stem).or_insert(0.0) += 1.0;
            }
            paragraphs.push(Paragraph { article, text: text.to_owned(), counts, length });
        }
    }
    Ok((paragraphs, questions))
}

fn list(value: &Value) -> anyhow::Result<&Vec<Value>> {
    value.as_array().context("the file is not in SQuAD's format")
}

fn sources(paragraphs: &[Paragraph], chosen: &[usize]) -> Vec<Source> {
    let texts = chosen.iter().map(|at| paragraphs[*at].text.clone());
    texts.map(|text| Source { text, ..Source::default() }).collect()
}

fn normal(text: &str) -> String {
    let text = text.to_lowercase();
    text.trim_end_matches(['.', ',', ' ']).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// BM25 with its usual constants (k1 = 1.2, b = 0.75).
struct Search {
    having: HashMap<String, f64>,
    count: f64,
    average: f64,
}

impl Search {
    fn over(paragraphs: &[Paragraph]) -> Self {
        let mut having = HashMap::new();
        for stem in paragraphs.iter().flat_map(|paragraph| paragraph.counts.keys()) {
            *having.entry(stem.clone()).or_insert(0.0) += 1.0;
        }
        let count = paragraphs.len() as f64;
        let average = paragraphs.iter().map(|paragraph| paragraph.length).sum::<f64>() / count;
        Self { having, count, average }
    }

    fn best(
        &self,
        paragraphs: &[Paragraph],
        question: &str,
        allowed: impl Fn(&Paragraph) -> bool,
    ) -> Vec<usize> {
        let query = terms::query_terms(question);
        let mut scored: Vec<(f64, usize)> = paragraphs
            .iter()
            .enumerate()
            .filter(|(_, paragraph)| allowed(paragraph))
            .map(|(at, paragraph)| (query.iter().map(|q| self.weight(q, paragraph)).sum(), at))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored.into_iter().take(SOURCES).map(|(_, at)| at).collect()
    }

    fn weight(&self, stem: &str, paragraph: &Paragraph) -> f64 {
        let Some(count) = paragraph.counts.get(stem) else { return 0.0 };
        let having = self.having[stem];
        let rarity = (1.0 + (self.count - having + 0.5) / (having + 0.5)).ln();
        let length = 1.2 * (0.25 + 0.75 * paragraph.length / self.average);
        rarity * count * 2.2 / (count + length)
    }
}
