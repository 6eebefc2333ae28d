//! Search by meaning, with vectors that the tests choose.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use replyx_core::{
    fixtures,
    ids::{DocumentId, PassageId},
    knowledge::{Document, DocumentKind::Text},
};
use replyx_knowledge::{
    index::{IndexContext, IndexDocument, embed},
    search::{Mode, Query, Search},
};
use replyx_llm::{EmbedEndpoint, Embeddings, EmbeddingsConfig, OFFLINE};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::{
    Hold,
    openai::{FakeOpenAi, ModelFault, embedding},
};

use crate::{child::program, shop::Shop};

/// A search that takes the offline model to be there. Its file is empty, so that nothing can be
/// embedded with it.
fn searching(bytes: u64) -> (Search, tempfile::TempDir) {
    let (embeddings, folder) = embeddings(OFFLINE, None);
    (Search::new(embeddings, bytes), folder)
}

fn embeddings(
    model: &str,
    endpoint: Option<EmbedEndpoint>,
) -> (Arc<Embeddings>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("e5-small-q4.bin")).unwrap();
    file.set_len(71_622_400).unwrap();
    let config = EmbeddingsConfig {
        model: Some(model.to_owned()),
        model_dir: folder.path().to_owned(),
        endpoint,
        ..EmbeddingsConfig::default()
    };
    (Arc::new(Embeddings::new(config).unwrap()), folder)
}

/// A model that a server has.
const SERVED: &str = "text-embedding-3-small";

async fn server() -> (FakeOpenAi, EmbedEndpoint) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let model = FakeOpenAi::start().await;
    let endpoint = EmbedEndpoint {
        api_key: "sk-test".to_owned().into(),
        base_url: model.base_url(),
        provider: "openai".to_owned(),
        key_id: None,
    };
    (model, endpoint)
}

/// Learns a text of one passage and gives it a vector.
async fn learn(shop: &Shop<'_>, text: &str, vector: &[f32], model: &str) -> Document {
    let mut document = shop.learn("a.txt", Text, text.as_bytes()).await;
    let bytes = vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let mut tx = shop.db.begin().await.unwrap();
    let passages = tx.workspace(shop.workspace).passages().of(document.id).await.unwrap();
    let vectors: Vec<(PassageId, Vec<u8>)> =
        passages.iter().map(|one| (one.id, bytes.clone())).collect();
    tx.workspace(shop.workspace).passages().add_vectors(model, &vectors).await.unwrap();
    document.embedded_with = Some(model.to_owned());
    document.embedded = document.passages;
    document.revision += 1;
    tx.apply(fixtures::unexplained(document.clone())).await.unwrap();
    tx.workspace(shop.workspace).knowledge().changed(document.id).await.unwrap();
    tx.commit().await.unwrap();
    document
}

fn query<'q>(text: &'q str, vector: &'q [f32]) -> Query<'q> {
    Query { vector: Some(vector), ..Query::new(text, 5) }
}

async fn texts(search: &Search, shop: &Shop<'_>, query: &Query<'_>) -> Vec<String> {
    let found = search.find(shop.db, shop.workspace, shop.assistant, query).await.unwrap();
    found.hits.into_iter().map(|hit| hit.passage.text).collect()
}

#[on_every_db]
async fn meaning_finds_what_no_word_finds_and_words_what_no_meaning_finds(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (search, _folder) = searching(64 << 20);
    learn(&shop, "Parcels reach you within two days.", &[1.0, 0.1, 0.0], OFFLINE).await;
    learn(&shop, "Article RX-200 is sold out.", &[0.0, 0.1, 1.0], OFFLINE).await;
    learn(&shop, "The shop opens at nine.", &[0.1, 1.0, 0.1], OFFLINE).await;

    let meaning = query("When will my order arrive?", &[2.0, 0.0, 0.0]);
    let found = search.find(shop.db, shop.workspace, shop.assistant, &meaning).await.unwrap();
    assert_eq!(found.vectors.as_deref(), Some(OFFLINE));
    assert!(found.hits[0].passage.text.starts_with("Parcels"));
    assert!(found.hits[0].likeness.unwrap() > 0.99 && found.hits[0].words.is_none());
    assert!(found.hits.is_sorted_by(|a, b| a.score >= b.score));
    assert!(found.hits.iter().all(|hit| (0.0..=1.0).contains(&hit.score)));

    // Each order has its favourite, and both are found.
    let both = query("rx 200", &[1.0, 0.0, 0.0]);
    let two = texts(&search, &shop, &both).await;
    assert!(two[..2].iter().any(|text| text.starts_with("Article")), "{two:?}");
    assert!(two[..2].iter().any(|text| text.starts_with("Parcels")), "{two:?}");
    let words = Query { mode: Mode::FullText, ..both };
    assert_eq!(texts(&search, &shop, &words).await, ["Article RX-200 is sold out."]);
    let vectors = Query { mode: Mode::Vectors, ..both };
    assert!(texts(&search, &shop, &vectors).await[0].starts_with("Parcels"));
}

#[on_every_db]
async fn a_question_that_cannot_be_embedded_is_searched_for_by_words(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (search, _folder) = searching(64 << 20);
    learn(&shop, "Delivery takes two days.", &[1.0, 0.0], OFFLINE).await;
    for mode in [Mode::Fused, Mode::Vectors, Mode::FullText] {
        let asked = Query { mode, ..Query::new("delivery", 5) };
        let found = search.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
        assert_eq!((found.hits.len(), found.vectors), (1, None), "{mode:?}");
    }
    // A vector of another length is of another model.
    let other = query("delivery", &[1.0, 0.0, 0.0]);
    assert_eq!(texts(&search, &shop, &other).await.len(), 1);
}

#[on_every_db]
async fn a_customer_does_not_wait_for_a_server_that_does_not_embed(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (model, endpoint) = server().await;
    let (embeddings, _folder) = embeddings(SERVED, Some(endpoint));
    let search = Search::new(embeddings, 64 << 20);
    learn(&shop, "Delivery takes two days.", &embedding("delivery", 1_536), SERVED).await;
    model.inject_embedding(ModelFault::DelayFirst(Duration::from_mins(1)));
    let begun = Instant::now();
    let asked = Query::new("delivery", 5);
    let found = search.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((found.hits.len(), found.vectors), (1, None));
    let found = search.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
    assert_eq!(found.vectors.as_deref(), Some(SERVED));
    assert!(found.spent.unwrap().usage.prompt_tokens > 0);
    let again = search.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
    assert_eq!((again.vectors.as_deref(), again.spent), (Some(SERVED), None));
}

#[on_every_db]
async fn a_change_is_found_at_once_and_what_is_gone_is_not(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (search, _folder) = searching(64 << 20);
    let one = learn(&shop, "Delivery takes two days.", &[1.0, 0.0], OFFLINE).await;
    let asked = query("delivery", &[1.0, 0.0]);
    assert_eq!(texts(&search, &shop, &asked).await.len(), 1);
    learn(&shop, "Delivery abroad takes nine days.", &[0.9, 0.1], OFFLINE).await;
    assert_eq!(texts(&search, &shop, &asked).await.len(), 2);

    let only = [one.id];
    let filtered = Query { documents: &only, ..asked };
    assert_eq!(texts(&search, &shop, &filtered).await, ["Delivery takes two days."]);
    let foreign = Query { language: Some("fr"), ..asked };
    assert!(texts(&search, &shop, &foreign).await.is_empty());

    let mut tx = shop.db.begin().await.unwrap();
    let now = shop.clock.now();
    tx.apply(one.clone().remove(now)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(texts(&search, &shop, &asked).await, ["Delivery abroad takes nine days."]);
}

/// The only passage is replaced between the moment at which it was found and that at which it is
/// read: the question waits for its vector with the old passages in hand.
#[on_every_db]
async fn what_is_replaced_while_a_question_is_asked_is_found_in_its_new_words(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (model, endpoint) = server().await;
    let (embeddings, _folder) = embeddings(SERVED, Some(endpoint));
    let search = Search::new(embeddings, 64 << 20);
    let vector = embedding("delivery", 1_536);
    let old = learn(&shop, "Delivery takes two days.", &vector, SERVED).await;
    let hold = Hold::default();
    model.inject_embedding(ModelFault::Hold(hold.clone()));

    let asked = Query::new("delivery", 5);
    let (found, ()) =
        tokio::join!(search.find(shop.db, shop.workspace, shop.assistant, &asked), async {
            hold.reached().await;
            let mut tx = shop.db.begin().await.unwrap();
            tx.apply(old.clone().remove(shop.clock.now())).await.unwrap();
            tx.commit().await.unwrap();
            learn(&shop, "Delivery takes nine days.", &vector, SERVED).await;
            hold.release();
        });
    let found = found.unwrap();
    let texts: Vec<&str> = found.hits.iter().map(|hit| hit.passage.text.as_str()).collect();
    assert_eq!(texts, ["Delivery takes nine days."]);
    assert_eq!(found.vectors.as_deref(), Some(SERVED));
    assert!(found.spent.unwrap().usage.prompt_tokens > 0, "its vector was paid for once");
}

#[on_every_db]
async fn a_passage_in_other_letters_means_more_than_its_cosine(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (search, _folder) = searching(64 << 20);
    learn(&shop, "Детей принимаем с трёх лет.", &[0.82, 0.572, 0.0], OFFLINE).await;
    learn(&shop, "Nobody lives on the moon.", &[0.82, 0.0, 0.572], OFFLINE).await;
    for (question, russian, english) in
        [("Do you treat children?", 0.467, 0.133), ("Вы лечите малышей?", 0.133, 0.467)]
    {
        let query = query(question, &[1.0, 0.0, 0.0]);
        let found = search.find(shop.db, shop.workspace, shop.assistant, &query).await.unwrap();
        assert_eq!(found.hits.len(), 2);
        for hit in found.hits {
            let cyrillic = hit.passage.text.starts_with('Д');
            let meaning = if cyrillic { russian } else { english };
            assert!((hit.meaning.unwrap() - meaning).abs() < 0.01, "{hit:?}");
        }
    }
}

/// What a model's vectors are kept for.
async fn kept(shop: &Shop<'_>, documents: &[DocumentId], model: &str) -> usize {
    let mut tx = shop.db.read().await.unwrap();
    tx.workspace(shop.workspace).passages().vectors(documents, model).await.unwrap().len()
}

#[on_every_db]
async fn while_a_model_changes_the_earlier_one_serves(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (_model, endpoint) = server().await;
    let (embeddings, _folder) = embeddings(SERVED, Some(endpoint));
    let search = Search::new(Arc::clone(&embeddings), 64 << 20);
    let tools = IndexContext {
        db: shop.db,
        clock: &shop.clock,
        program: program(),
        embeddings: &embeddings,
    };
    let texts = ["Alpha has a price.", "Beta has a colour.", "Gamma has a weight."];
    let mut documents = Vec::new();
    for text in texts {
        documents.push(learn(&shop, text, &[1.0, 0.1], OFFLINE).await.id);
    }
    let ask = async |vector: &[f32]| {
        let asked = query("something quite different", vector);
        let found = search.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
        (found.vectors.unwrap(), found.hits.len())
    };
    for (place, document) in documents.iter().enumerate() {
        assert_eq!(ask(&[1.0, 0.0]).await, (OFFLINE.to_owned(), 3), "after {place}");
        let job = IndexDocument { workspace_id: shop.workspace, document_id: *document };
        embed::run(tools, job, 1).await.unwrap();
        let done = place == documents.len() - 1;
        embed::refresh(tools, 10).await.unwrap();
        assert_eq!(kept(&shop, &documents, OFFLINE).await, if done { 0 } else { 3 });
    }
    let question = embedding("something quite different", 1_536);
    assert_eq!(ask(&question).await, (SERVED.to_owned(), 3));
    assert_eq!(kept(&shop, &documents, SERVED).await, 3);
}

#[on_every_db]
async fn vectors_of_a_model_that_nobody_knows_take_no_part(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (search, _folder) = searching(64 << 20);
    learn(&shop, "Alpha has a price.", &[1.0, 0.0], OFFLINE).await;
    learn(&shop, "Beta has a colour.", &[0.0, 1.0], "a-model-nobody-knows").await;
    let meaning = query("something quite different", &[1.0, 0.2]);
    let found = search.find(shop.db, shop.workspace, shop.assistant, &meaning).await.unwrap();
    assert_eq!(found.vectors.as_deref(), Some(OFFLINE));
    assert_eq!(found.hits.len(), 1, "what has no vector is not found by meaning");
    let words = query("which colour is beta", &[1.0, 0.2]);
    assert!(texts(&search, &shop, &words).await.iter().any(|text| text.starts_with("Beta")));
}

#[on_every_db]
async fn what_does_not_fit_in_memory_is_found_through_the_database(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (small, _folder) = searching(1_024);
    let (large, _other) = searching(64 << 20);
    for number in 0..20 {
        let text = format!("Article {number} is a lamp of the year {}.", 2000 + number);
        learn(&shop, &text, &[1.0, 0.0], OFFLINE).await;
    }
    let asked = Query::new("lamp of 2007", 3);
    let found = small.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
    assert!(found.hits[0].passage.text.starts_with("Article 7 "));
    assert_eq!(found.vectors, None);
    assert!(small.cached_bytes() <= 1_024, "nothing of it is kept");
    let asked = Query { mode: Mode::FullText, ..asked };
    assert_eq!(texts(&small, &shop, &asked).await[0], texts(&large, &shop, &asked).await[0]);
    assert!(large.cached_bytes() > 1_024);
}

#[on_every_db]
async fn many_who_ask_at_once_get_the_same(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (search, _folder) = searching(64 << 20);
    for number in 0..10 {
        learn(&shop, &format!("Article {number} is a lamp."), &[1.0, 0.1], OFFLINE).await;
    }
    let asked = query("lamp article 7", &[1.0, 0.0]);
    let all = futures::future::join_all((0..32).map(|_| texts(&search, &shop, &asked))).await;
    assert!(all.iter().all(|one| *one == all[0] && one[0].starts_with("Article 7 ")));
}

/// The provider was away, or the money spent, when the parts of a passage were to be embedded.
#[on_every_db]
async fn vectors_of_parts_that_could_not_be_made_are_made_by_housekeeping(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let (model, endpoint) = server().await;
    let (embeddings, _folder) = embeddings(SERVED, Some(endpoint));
    let document = learn(&shop, "Tea costs 3 euros. Cake costs 4.", &[1.0, 0.0], SERVED).await;
    let tools = IndexContext {
        db: shop.db,
        clock: &shop.clock,
        program: program(),
        embeddings: &embeddings,
    };
    let job = IndexDocument { workspace_id: shop.workspace, document_id: document.id };
    let queued = async || embed::refresh(tools, 10).await.unwrap();
    let parts = async || {
        let mut tx = shop.db.read().await.unwrap();
        let ids: Vec<PassageId> = {
            let passages = tx.workspace(shop.workspace).passages();
            passages.of(document.id).await.unwrap().iter().map(|one| one.id).collect()
        };
        tx.workspace(shop.workspace).passages().runs(&ids, SERVED).await.unwrap().len()
    };

    for _ in 0..20 {
        model.inject_embedding(ModelFault::status(400));
    }
    embed::run(tools, job, i64::MAX).await.unwrap();
    let short = shop.document(job).await;
    assert_eq!((short.embedded, parts().await), (short.passages - 1, 0));
    assert_eq!(queued().await, 1, "nobody makes them");

    model.clear_faults();
    embed::run(tools, job, 1).await.unwrap();
    let whole = shop.document(job).await;
    assert_eq!((whole.embedded, parts().await), (whole.passages, 1));
    assert_eq!(queued().await, 0);
}
