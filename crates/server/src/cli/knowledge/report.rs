//! What a run tells people and programs.

use std::io::{self, Write};

use replyx_core::evaluation::Metrics;
use replyx_knowledge::evaluate::Comparison;
use serde_json::json;

use super::saved::Saved;

/// No more questions than this are named.
const NAMED: usize = 20;

/// Prints the run, and what changed since an earlier one.
pub(super) fn table(
    out: &mut impl Write,
    run: &Saved,
    compared: Option<(&Saved, &Comparison)>,
) -> io::Result<()> {
    let embeddings = run.embeddings.as_deref().unwrap_or("none: words alone decided");
    writeln!(out, "{}\nembedding model: {embeddings}", run.name)?;
    let metrics = &run.metrics;
    writeln!(
        out,
        "{} questions, {} with an answer in the documents\n",
        metrics.questions, metrics.searchable
    )?;

    for (name, value) in measures(metrics) {
        let Some(value) = value else { continue };
        let change = compared.and_then(|(_, comparison)| {
            comparison.changes.iter().find(|change| change.measure == name)
        });
        let change = change.map_or_else(String::new, |change| {
            let verdict = if change.regressed { "  REGRESSED" } else { "" };
            format!("  was {:.3} ({:+.3}){verdict}", change.before, change.after - change.before)
        });
        writeln!(out, "  {:<22} {value:.3}{change}", name.replace('_', " "))?;
    }

    writeln!(
        out,
        "  {:<22} {:.1} / {:.1} ms",
        "search p50 / p99", metrics.search_p50_ms, metrics.search_p99_ms
    )?;

    if let (Some(p50), Some(p99)) = (metrics.answer_p50_ms, metrics.answer_p99_ms) {
        writeln!(out, "  {:<22} {p50:.1} / {p99:.1} ms", "answer p50 / p99")?;
        writeln!(out, "  {:<22} ${}", "cost", metrics.cost)?;
    }

    if let Some((before, comparison)) = compared {
        named(out, "went right and no longer do", &comparison.broken)?;
        named(out, "went wrong and no longer do", &comparison.mended)?;
        let strange = run.results.iter().filter(|result| !before.knows(&result.question)).count();
        if strange > 0 || before.results.len() != run.results.len() {
            writeln!(
                out,
                "\nthe saved run asked other questions, too: the sums are not of the same"
            )?;
        }

        if before.embeddings != run.embeddings {
            let model = before.embeddings.as_deref().unwrap_or("none");
            writeln!(out, "\nthe saved run had another embedding model: {model}")?;
        }
    }

    Ok(())
}

fn named(out: &mut impl Write, what: &str, questions: &[String]) -> io::Result<()> {
    if questions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} questions {what}:", questions.len())?;
    for question in questions.iter().take(NAMED) {
        writeln!(out, "  {question}")?;
    }
    if questions.len() > NAMED {
        writeln!(out, "  and {} more", questions.len() - NAMED)?;
    }
    Ok(())
}

/// Names are those of the fields of [`Metrics`].
fn measures(metrics: &Metrics) -> [(&'static str, Option<f64>); 12] {
    [
        ("recall_1", metrics.recall_1),
        ("recall_3", metrics.recall_3),
        ("recall_5", metrics.recall_5),
        ("recall_10", metrics.recall_10),
        ("mrr", metrics.mrr),
        ("ndcg", metrics.ndcg),
        ("containment", metrics.containment),
        ("abstention_precision", metrics.abstention_precision),
        ("abstention_recall", metrics.abstention_recall),
        ("wrongly_declined", metrics.wrongly_declined),
        ("unverified", metrics.unverified),
        ("failed", metrics.failed),
    ]
}

/// Prints the run as JSON.
pub(super) fn json(
    out: &mut impl Write,
    run: &Saved,
    comparison: Option<&Comparison>,
) -> io::Result<()> {
    let comparison = comparison.map(|comparison| {
        let changes: Vec<_> = comparison
            .changes
            .iter()
            .map(|change| {
                json!({
                    "measure": change.measure, "before": change.before, "after": change.after,
                    "regressed": change.regressed,
                })
            })
            .collect();
        json!({
            "regressed": comparison.regressed(), "changes": changes,
            "broken": comparison.broken, "mended": comparison.mended,
        })
    });

    let text = serde_json::to_string_pretty(&json!({"run": run, "comparison": comparison}))?;
    writeln!(out, "{text}")?;

    Ok(())
}
