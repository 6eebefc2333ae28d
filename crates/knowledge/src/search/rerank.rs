//! A model that reads question and passages together has the last word on their order, where one is
//! configured.

use std::error::Error;

use replyx_llm::{Caller, Reranker};

use super::Hit;

/// So many passages are read by the model.
pub(super) const READ: usize = 24;

/// Puts the passages into the model's order. Without its answer they stay as they are: search goes
/// on.
pub(super) async fn rerank(
    reranker: &Reranker,
    caller: Caller,
    question: &str,
    hits: &mut Vec<Hit>,
) {
    if hits.len() < 2 {
        return;
    }
    let texts: Vec<String> = hits
        .iter()
        .map(|hit| [&hit.passage.title, &hit.passage.headings, &hit.passage.text])
        .map(|parts| parts.map(String::as_str).join("\n"))
        .collect();
    let order = match reranker.order(caller, question, &texts).await {
        Ok(order) => order,
        Err(error) => {
            let error = &error as &dyn Error;
            tracing::warn!(error, "reranking failed; passages keep the order of the search");
            return;
        }
    };
    // How sure it is that anything fits was judged by search, and falls from hit to hit as before.
    let scores: Vec<f64> = hits.iter().map(|hit| hit.score).collect();
    let mut old: Vec<Option<Hit>> = std::mem::take(hits).into_iter().map(Some).collect();
    let ordered = order.into_iter().filter_map(|place| old.get_mut(place)?.take());
    hits.extend(ordered.zip(scores).map(|(hit, score)| Hit { score, ..hit }));
}
