//! Large assistants, whose vectors the database holds in an index of its own: a real PostgreSQL
//! with pgvector.

use std::{collections::HashSet, sync::Arc};

use replyx_core::{
    fixtures,
    ids::{AssistantId, DocumentId, PassageId},
    knowledge::{Document, DocumentKind::Text},
};
use replyx_knowledge::{
    index::{
        IndexContext, embed,
        neighbours::{self, IndexNeighbours},
    },
    search::{Mode, Query, Search, SearchOutcome, SearchPath},
};
use replyx_llm::{EmbedEndpoint, Embeddings, EmbeddingsConfig, OFFLINE};
use replyx_storage::{
    Db, PoolSize,
    neighbours::VectorIndex,
    on_every_db,
    passages::{NewPassage, PassageChanges, Span},
    testing::{TestDb, pgvector, tamper},
};

use crate::{child::program, shop::Shop};

/// A model that a server has; it is never asked here.
const OTHER: &str = "text-embedding-3-small";
/// Who knows more passages is large.
const LEAST: i64 = 20;

/// Models that can be chosen without being asked: the offline one, whose file is empty, and those
/// of a server.
struct Given {
    embeddings: Arc<Embeddings>,
    search: Search,
    _folder: tempfile::TempDir,
}

fn given() -> Given {
    with_model(OFFLINE)
}

fn with_model(model: &str) -> Given {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("e5-small-q4.bin")).unwrap();
    file.set_len(71_622_400).unwrap();
    let config = EmbeddingsConfig {
        model: Some(model.to_owned()),
        model_dir: folder.path().to_owned(),
        endpoint: Some(EmbedEndpoint {
            provider: "openai".to_owned(),
            key_id: None,
            api_key: String::new().into(),
            base_url: "http://127.0.0.1:9/v1".to_owned(),
        }),
        ..EmbeddingsConfig::default()
    };
    let embeddings = Arc::new(Embeddings::new(config).unwrap());
    let search = Search::new(Arc::clone(&embeddings), 64 << 20).large_above(LEAST);
    Given { embeddings, search, _folder: folder }
}

impl Given {
    fn tools<'t>(&'t self, shop: &'t Shop<'_>, db: &'t Db) -> IndexContext<'t> {
        IndexContext { db, clock: &shop.clock, program: program(), embeddings: &self.embeddings }
    }

    async fn copy(&self, shop: &Shop<'_>, assistant_id: AssistantId) {
        let job = IndexNeighbours { workspace_id: shop.workspace, assistant_id };
        neighbours::run(self.tools(shop, shop.db), job).await.unwrap();
    }

    async fn refresh(&self, shop: &Shop<'_>) -> usize {
        neighbours::refresh(self.tools(shop, shop.db), LEAST).await.unwrap()
    }

    /// As housekeeping does.
    async fn forget_outlived(&self, shop: &Shop<'_>) {
        embed::refresh(self.tools(shop, shop.db), 10).await.unwrap();
    }

    async fn near(
        &self,
        shop: &Shop<'_>,
        of: AssistantId,
        vector: &[f32],
        limit: usize,
    ) -> SearchOutcome {
        let query = Query {
            mode: Mode::Vectors,
            vector: Some(vector),
            ..Query::new("no word of any text", limit)
        };
        self.search.find(shop.db, shop.workspace, of, &query).await.unwrap()
    }
}

/// The same numbers on every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn number(&mut self) -> f32 {
        f32::from(u16::try_from(self.next() >> 48).unwrap()) / f32::from(u16::MAX) * 2.0 - 1.0
    }

    fn vector(&mut self, width: usize) -> Vec<f32> {
        (0..width).map(|_| self.number()).collect()
    }

    fn around(&mut self, centre: &[f32], spread: f32) -> Vec<f32> {
        centre.iter().map(|x| x + spread * self.number()).collect()
    }
}

fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

/// A document with a passage for each vector.
async fn learn(
    shop: &Shop<'_>,
    of: AssistantId,
    vectors: &[Vec<f32>],
    model: &str,
) -> (Document, Vec<PassageId>) {
    let job = shop.upload_for(of, "a.txt", Text, b"").await;
    let ids: Vec<PassageId> = vectors.iter().map(|_| shop.clock.id()).collect();
    let new = |(id, position): (&PassageId, i64)| {
        let text = format!("Article {} number {position}.", job.document_id);
        let hash = text.clone();
        let terms = format!("articl {} of{position}", job.document_id.into_uuid().simple());
        let place = Span { position, start: position, end: position + 1, page: None };
        NewPassage { id: *id, headings: String::new(), text, hash, terms, length: 3, place }
    };
    let changes =
        PassageChanges { new: ids.iter().zip(0..).map(new).collect(), ..PassageChanges::default() };
    let mut tx = shop.db.begin().await.unwrap();
    tx.workspace(shop.workspace).passages().change(job.document_id, &changes).await.unwrap();
    tx.commit().await.unwrap();
    let mut document = shop.document(job).await;
    document.passages = i64::try_from(ids.len()).unwrap();
    embed_all(shop, &mut document, &ids, vectors, model).await;
    (document, ids)
}

/// Gives a document vectors as the embedding job does at its end.
async fn embed_all(
    shop: &Shop<'_>,
    document: &mut Document,
    ids: &[PassageId],
    vectors: &[Vec<f32>],
    model: &str,
) {
    let rows: Vec<(PassageId, Vec<u8>)> =
        ids.iter().copied().zip(vectors.iter().map(|vector| bytes(vector))).collect();
    let mut tx = shop.db.begin().await.unwrap();
    let scope = shop.workspace;
    tx.workspace(scope).passages().add_vectors(model, &rows).await.unwrap();
    document.embedded_with = Some(model.to_owned());
    document.embedded = document.passages;
    document.revision += 1;
    tx.apply(fixtures::unexplained(document.clone())).await.unwrap();
    tx.workspace(scope).knowledge().changed(document.id).await.unwrap();
    tx.commit().await.unwrap();
}

async fn delete(shop: &Shop<'_>, document: &Document) {
    let mut tx = shop.db.begin().await.unwrap();
    let now = shop.clock.now();
    tx.apply(document.clone().remove(now)).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids(found: &SearchOutcome) -> HashSet<PassageId> {
    found.hits.iter().map(|hit| hit.passage.id).collect()
}

/// A marker that changes nothing, and says how many rows there are.
async fn copies(test: &TestDb, width: usize) -> u64 {
    tamper(&test.url, &format!("UPDATE neighbours_{width} SET model = model")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_finds_nearly_what_comparing_all_finds_and_nothing_of_others() {
    const WIDTH: usize = 64;
    const EACH: usize = 100;
    let begun = std::time::Instant::now();
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let given = given();
    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    let colleague = shop.clock.id();
    shop.hire(colleague).await;
    let centres: Vec<Vec<f32>> = (0..20).map(|_| chance.vector(WIDTH)).collect();
    // One knows a tenth of what the other does, in the same clusters.
    let mut known: Vec<(AssistantId, PassageId, Vec<f32>)> = Vec::new();
    for document in 0..33_usize {
        let of = if document % 11 == 0 { shop.assistant } else { colleague };
        let vectors: Vec<Vec<f32>> = (0..EACH)
            .map(|number| match number % 3 {
                0 => chance.vector(WIDTH),
                _ => chance.around(&centres[number % 20], 0.5),
            })
            .collect();
        let (_, ids) = learn(&shop, of, &vectors, OFFLINE).await;
        known.extend(ids.into_iter().zip(vectors).map(|(id, vector)| (of, id, vector)));
    }
    println!("learnt in {:?}", begun.elapsed());
    for of in [shop.assistant, colleague] {
        given.copy(&shop, of).await;
    }
    println!("learnt and copied in {:?}", begun.elapsed());
    let mut right = 0;
    let mut all = 0;
    for question in 0..40_usize {
        let vector = match question % 2 {
            0 => chance.vector(WIDTH),
            _ => chance.around(&centres[question % 20], 0.5),
        };
        for of in [shop.assistant, colleague] {
            let own = known.iter().filter(|(whose, ..)| *whose == of);
            let mut exact: Vec<(f32, PassageId)> =
                own.map(|(_, id, other)| (cosine(&vector, other), *id)).collect();
            exact.sort_by(|(a, _), (b, _)| b.total_cmp(a));
            let found = given.near(&shop, of, &vector, 10).await;
            assert_eq!((found.way, found.vectors.as_deref()), (SearchPath::Hnsw, Some(OFFLINE)));
            assert_eq!(found.hits.len(), 10, "a filter does not starve the search");
            let expected: HashSet<PassageId> = exact[..10].iter().map(|(_, id)| *id).collect();
            right += ids(&found).intersection(&expected).count();
            all += 10;
            for hit in &found.hits {
                let (own, _, vector_of) =
                    known.iter().find(|(_, id, _)| *id == hit.passage.id).unwrap();
                assert_eq!(*own, of);
                let likeness = f64::from(cosine(&vector, vector_of));
                assert!((hit.likeness.unwrap() - likeness).abs() < 1e-5, "the exact cosine");
            }
        }
    }
    println!("recall@10: {right} of {all}");
    assert!(right * 100 >= all * 95, "{right} of {all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_is_found_and_what_is_gone_is_not() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let given = given();
    let mut chance = Chance(7);
    let vectors: Vec<Vec<f32>> = (0..30).map(|_| chance.vector(8)).collect();
    let (mut one, own) = learn(&shop, shop.assistant, &vectors, OFFLINE).await;
    assert_eq!(given.near(&shop, shop.assistant, &vectors[3], 1).await.way, SearchPath::Memory);
    assert_eq!(given.refresh(&shop).await, 1);
    given.copy(&shop, shop.assistant).await;
    let found = given.near(&shop, shop.assistant, &vectors[3], 1).await;
    assert_eq!((found.way, found.hits[0].passage.id), (SearchPath::Hnsw, own[3]));
    given.copy(&shop, shop.assistant).await;
    assert_eq!(given.refresh(&shop).await, 0, "nothing is behind");

    // New: by the words at once, by the meaning once it is copied.
    let fresh = vec![chance.vector(8)];
    let (other, new) = learn(&shop, shop.assistant, &fresh, OFFLINE).await;
    assert_eq!(given.refresh(&shop).await, 1, "it is seen to be behind");
    given.copy(&shop, shop.assistant).await;
    let found = given.near(&shop, shop.assistant, &fresh[0], 1).await;
    assert_eq!(found.hits[0].passage.id, new[0]);

    // Gone: at once, and no copy of it stays.
    delete(&shop, &other).await;
    let found = given.near(&shop, shop.assistant, &fresh[0], 50).await;
    assert!(found.way == SearchPath::Hnsw && !ids(&found).contains(&new[0]));
    assert_eq!(copies(&test, 8).await, 30);

    // Embedded with another model, whose vectors are wider: the old ones serve until the new ones
    // are copied, and leave.
    let given = with_model(OTHER);
    let wider: Vec<Vec<f32>> = (0..30).map(|_| chance.vector(12)).collect();
    embed_all(&shop, &mut one, &own, &wider, OTHER).await;
    given.forget_outlived(&shop).await;
    let found = given.near(&shop, shop.assistant, &vectors[5], 1).await;
    assert_eq!((found.way, found.vectors.as_deref()), (SearchPath::Hnsw, Some(OFFLINE)));
    assert_eq!(found.hits[0].passage.id, own[5]);
    assert_eq!(given.refresh(&shop).await, 1);
    given.copy(&shop, shop.assistant).await;
    let another = with_model(OTHER);
    let found = another.near(&shop, shop.assistant, &wider[5], 1).await;
    assert_eq!((found.way, found.vectors.as_deref()), (SearchPath::Hnsw, Some(OTHER)));
    assert_eq!(found.hits[0].passage.id, own[5]);
    given.forget_outlived(&shop).await;
    assert_eq!((copies(&test, 8).await, copies(&test, 12).await), (0, 30));
    given.refresh(&shop).await;
    assert_eq!(tamper(&test.url, "UPDATE neighbour_sets SET model = model").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_and_meaning_are_joined_and_filters_hold() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let given = given();
    let mut chance = Chance(11);
    let vectors: Vec<Vec<f32>> = (0..40).map(|_| chance.vector(8)).collect();
    let (_, first) = learn(&shop, shop.assistant, &vectors, OFFLINE).await;
    let (second, others) = learn(&shop, shop.assistant, &vectors[..5], OFFLINE).await;
    given.copy(&shop, shop.assistant).await;

    // `of7` is a word of the first document's eighth passage alone; the vector is that of the
    // thirtieth.
    let both = Query { vector: Some(&vectors[30]), ..Query::new("of7", 40) };
    let found = given.search.find(shop.db, shop.workspace, shop.assistant, &both).await.unwrap();
    assert_eq!(found.way, SearchPath::Hnsw);
    let all = ids(&found);
    assert!(all.contains(&first[7]) && all.contains(&first[30]), "{found:?}");
    let by_word = found.hits.iter().find(|hit| hit.passage.id == first[7]).unwrap();
    assert!(by_word.words.unwrap() > 0.2 && by_word.likeness.is_some());
    assert!(found.hits.is_sorted_by(|a, b| a.score >= b.score));

    let only: [DocumentId; 1] = [second.id];
    let filtered = Query { documents: &only, ..both };
    let found =
        given.search.find(shop.db, shop.workspace, shop.assistant, &filtered).await.unwrap();
    assert!(!found.hits.is_empty() && ids(&found).iter().all(|id| others.contains(id)));
    let foreign = Query { language: Some("fr"), ..both };
    let found = given.search.find(shop.db, shop.workspace, shop.assistant, &foreign).await.unwrap();
    assert!(found.hits.is_empty());
    let words = Query { mode: Mode::FullText, ..both };
    let found = given.search.find(shop.db, shop.workspace, shop.assistant, &words).await.unwrap();
    assert_eq!((found.way, found.vectors.as_deref()), (SearchPath::Words, None));
    assert_eq!(ids(&found), HashSet::from([first[7]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_searched_however_many_others_hold_the_word() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let given = given();
    let vectors: Vec<Vec<f32>> = (0..450).map(|_| vec![1.0, 0.0]).collect();
    learn(&shop, shop.assistant, &vectors, OFFLINE).await;
    let (last, own) = learn(&shop, shop.assistant, &vectors[..3], OFFLINE).await;
    given.copy(&shop, shop.assistant).await;
    let only = [last.id];
    let asked = Query { mode: Mode::FullText, documents: &only, ..Query::new("which article", 5) };
    let found = given.search.find(shop.db, shop.workspace, shop.assistant, &asked).await.unwrap();
    assert_eq!(found.way, SearchPath::Words);
    assert_eq!(ids(&found), own.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_finds_what_is_another_assistants_or_was_taken_away() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let stranger = Shop::open(&test.db).await;
    let given = given();
    let colleague = shop.clock.id();
    shop.hire(colleague).await;
    let mut chance = Chance(3);
    let vectors: Vec<Vec<f32>> = (0..25).map(|_| chance.vector(8)).collect();
    let (shared, of_both) = learn(&shop, shop.assistant, &vectors, OFFLINE).await;
    let (_, of_colleague) = learn(&shop, colleague, &vectors, OFFLINE).await;
    let (_, of_stranger) = learn(&stranger, stranger.assistant, &vectors, OFFLINE).await;
    let mut tx = shop.db.begin().await.unwrap();
    tx.workspace(shop.workspace).knowledge().link(colleague, shared.id).await.unwrap();
    tx.commit().await.unwrap();
    given.copy(&shop, shop.assistant).await;
    given.copy(&shop, colleague).await;
    given.copy(&stranger, stranger.assistant).await;

    for vector in &vectors {
        let found = given.near(&shop, shop.assistant, vector, 50).await;
        assert_eq!((found.way, ids(&found)), (SearchPath::Hnsw, of_both.iter().copied().collect()));
        let found = given.near(&stranger, stranger.assistant, vector, 50).await;
        assert_eq!(ids(&found), of_stranger.iter().copied().collect());
        let found = given.near(&shop, colleague, vector, 50).await;
        assert!(ids(&found).iter().any(|id| of_both.contains(id)));
        assert!(ids(&found).iter().any(|id| of_colleague.contains(id)));
        assert!(!ids(&found).iter().any(|id| of_stranger.contains(id)));
        let crossed = given.near(&shop, stranger.assistant, vector, 50).await;
        assert!(crossed.hits.is_empty(), "an assistant of another workspace");
    }
    let mut tx = shop.db.begin().await.unwrap();
    tx.workspace(shop.workspace).knowledge().unlink(colleague, shared.id).await.unwrap();
    tx.commit().await.unwrap();
    let found = given.near(&shop, colleague, &vectors[0], 50).await;
    assert_eq!(
        (found.way, ids(&found)),
        (SearchPath::Hnsw, of_colleague.iter().copied().collect())
    );
    assert_eq!(copies(&test, 8).await, 75);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_copy_at_once_do_not_disturb_each_other() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let given = given();
    let mut chance = Chance(5);
    let vectors: Vec<Vec<f32>> = (0..1_200).map(|_| chance.vector(8)).collect();
    let (document, own) = learn(&shop, shop.assistant, &vectors, OFFLINE).await;
    let (doomed, _) = learn(&shop, shop.assistant, &vectors[..600], OFFLINE).await;
    let job = IndexNeighbours { workspace_id: shop.workspace, assistant_id: shop.assistant };
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(Db::open(&test.url, PoolSize { max: 3 }).await.unwrap());
    }
    let runs = processes.iter().map(|db| neighbours::run(given.tools(&shop, db), job));
    let (done, ()) = tokio::join!(futures::future::join_all(runs), delete(&shop, &doomed));
    for one in done {
        one.unwrap();
    }
    assert_eq!(copies(&test, 8).await, 1_200);
    assert_eq!(document.passages, 1_200);
    let found = given.near(&shop, shop.assistant, &vectors[1_100], 1).await;
    assert_eq!((found.way, found.hits[0].passage.id), (SearchPath::Hnsw, own[1_100]));
    for db in processes {
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assistant_that_shrinks_is_searched_in_memory_again_and_leaves_nothing() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    let given = given();
    let mut chance = Chance(13);
    let vectors: Vec<Vec<f32>> = (0..24).map(|_| chance.vector(8)).collect();
    let (few, own) = learn(&shop, shop.assistant, &vectors[..9], OFFLINE).await;
    let (some, _) = learn(&shop, shop.assistant, &vectors[9..12], OFFLINE).await;
    let (many, _) = learn(&shop, shop.assistant, &vectors[12..], OFFLINE).await;
    assert_eq!(given.refresh(&shop).await, 1);
    given.copy(&shop, shop.assistant).await;
    assert_eq!(given.near(&shop, shop.assistant, &vectors[0], 1).await.way, SearchPath::Hnsw);

    // Below the threshold memory is asked; the set is kept until half of it.
    delete(&shop, &many).await;
    let found = given.near(&shop, shop.assistant, &vectors[0], 1).await;
    assert_eq!((found.way, found.hits[0].passage.id), (SearchPath::Memory, own[0]));
    given.refresh(&shop).await;
    assert_eq!(copies(&test, 8).await, 12);
    delete(&shop, &some).await;
    given.refresh(&shop).await;
    assert_eq!(copies(&test, 8).await, 0);
    assert_eq!(tamper(&test.url, "DELETE FROM neighbour_sets").await, 0);
    let found = given.near(&shop, shop.assistant, &vectors[0], 1).await;
    assert_eq!((found.way, found.hits[0].passage.id), (SearchPath::Memory, own[0]));
    assert_eq!(few.passages, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_create_the_extension_does_without_it() {
    let test = pgvector().await;
    // A name that no other test takes: roles are the server's, not the database's.
    let role = format!("humble_{}", test.url.rsplit('_').next().unwrap());
    tamper(&test.url, &format!("CREATE ROLE {role} LOGIN")).await;
    tamper(&test.url, &format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")).await;
    tamper(&test.url, &format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")).await;
    let url = test.url.replacen("postgres://postgres@", &format!("postgres://{role}@"), 1);
    let humble = Db::open(&url, PoolSize { max: 4 }).await.unwrap();
    let state = humble.create_vector_index().await.unwrap();
    assert!(matches!(state, VectorIndex::Creatable(_)), "{state:?}");
    assert!(state.lack().unwrap().contains("CREATE EXTENSION vector"));

    let shop = Shop::open(&humble).await;
    let given = given();
    let (_, vectors) = large(&shop, &given).await;
    let small = Search::new(Arc::clone(&given.embeddings), 1_024).large_above(LEAST);
    let query = Query { vector: Some(&vectors[0]), ..Query::new("of7", 5) };
    let found = small.find(&humble, shop.workspace, shop.assistant, &query).await.unwrap();
    assert_eq!((found.way, found.vectors), (SearchPath::Words, None));
    assert_eq!(found.hits.len(), 1);
    drop(shop);
    humble.close().await;
    tamper(&test.url, &format!("DROP OWNED BY {role}")).await;
    tamper(&test.url, &format!("DROP ROLE {role}")).await;
}

/// Makes the shop's assistant large, and copies its vectors where that can be.
async fn large(shop: &Shop<'_>, given: &Given) -> (Vec<PassageId>, Vec<Vec<f32>>) {
    let mut chance = Chance(17);
    let vectors: Vec<Vec<f32>> = (0..30).map(|_| chance.vector(8)).collect();
    let (_, own) = learn(shop, shop.assistant, &vectors, OFFLINE).await;
    given.refresh(shop).await;
    given.copy(shop, shop.assistant).await;
    (own, vectors)
}

#[on_every_db]
async fn without_the_extension_all_is_as_it_was(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let given = given();
    let (own, vectors) = large(&shop, &given).await;
    let state = db.db.vector_index().await.unwrap();
    let way =
        if matches!(state, VectorIndex::Ready(_)) { SearchPath::Hnsw } else { SearchPath::Memory };
    let found = given.near(&shop, shop.assistant, &vectors[4], 1).await;
    assert_eq!((found.way, found.hits[0].passage.id), (way, own[4]));
    assert_eq!(given.refresh(&shop).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_of_the_index_go_with_the_schema() {
    let test = pgvector().await;
    let shop = Shop::open(&test.db).await;
    large(&shop, &given()).await;
    assert_eq!(copies(&test, 8).await, 30);
    let migrations = test.db.migrations().await.unwrap().len();
    test.db.migrate_down(migrations).await.unwrap();
    test.db.migrate().await.unwrap();
    let shop = Shop::open(&test.db).await;
    let given = given();
    let (own, vectors) = large(&shop, &given).await;
    let found = given.near(&shop, shop.assistant, &vectors[9], 1).await;
    assert_eq!((found.way, found.hits[0].passage.id), (SearchPath::Hnsw, own[9]));
}
