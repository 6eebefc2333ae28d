use std::collections::BTreeSet;

use replyx_core::{
    act::Actor,
    assistant::Assistant,
    change::{Deleted, New},
    fixtures,
    ids::PassageId,
    job::Lane,
    knowledge::{Document, DocumentStatus},
    page::PageRequest,
};
use replyx_storage::{
    Db,
    documents::{DocumentFilter, PURGE},
    on_every_db,
    passages::{Candidate, NewPassage, PassageChanges, Span},
    testing::{self, TestDb},
};
use replyx_text::terms::{index_text, query_terms};

use crate::given::{self, Tenant, at, id};

/// Stores a document made of these passages.
async fn store(db: &Db, tenant: &Tenant, texts: &[&str]) -> Vec<NewPassage> {
    let passages: Vec<_> = texts.iter().map(|text| given::passage(text)).collect();
    let document = given::document(tenant.id, tenant.assistant.id);
    commit!(db, |tx| tx.apply(document.clone().store(b"x")));
    let ready = Document { status: DocumentStatus::Ready, ..document.clone() };
    commit!(db, |tx| tx.apply(fixtures::unexplained(ready)));
    let changes = given::all_new(&passages);
    commit!(db, |tx| tx.workspace(tenant.id).passages().change(document.id, &changes));
    passages
}

async fn candidates(db: &Db, tenant: &Tenant, terms: &[String]) -> Vec<Candidate> {
    read!(db, |tx| tx.workspace(tenant.id).passages().candidates(
        tenant.assistant.id,
        terms,
        None,
        100
    ))
}

async fn frequencies(db: &Db, tenant: &Tenant, terms: &[String]) -> Vec<i64> {
    read!(db, |tx| tx.workspace(tenant.id).passages().frequencies(tenant.assistant.id, terms))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn texts(passages: &[NewPassage], found: &[Candidate]) -> BTreeSet<String> {
    let text = |id: PassageId| passages.iter().find(|p| p.id == id).unwrap().text.clone();
    found.iter().map(|candidate| text(candidate.id())).collect()
}

#[on_every_db]
async fn russian_words_are_found_in_other_forms(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let passages = store(
        db,
        &tenant,
        &[
            "Доставка по Москве занимает два дня",
            "Зелёные чайники по 3 990 ₽",
            "Warranty lasts two years",
            "Возврат товаров в течение 14 дней",
        ],
    )
    .await;
    for (question, expected) in [
        ("сколько идёт доставкой?", vec![0]),
        ("зеленый чайник", vec![1]),
        ("the warranties", vec![2]),
        ("сколько дней", vec![0, 3]),
        ("3990 или 990", vec![1]),
        ("погода", vec![]),
    ] {
        let terms = query_terms(question);
        let found = candidates(db, &tenant, &terms).await;
        let expected: BTreeSet<_> =
            expected.into_iter().map(|at: usize| passages[at].text.clone()).collect();
        assert_eq!(texts(&passages, &found), expected, "{question}: {terms:?}");
    }
    let found = candidates(db, &tenant, &query_terms("гарантия warranty")).await;
    let of_store = &passages[2];
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].terms, found[0].length), (&of_store.terms, of_store.length));
    assert_eq!(found[0].headings, of_store.headings);
    assert_eq!(frequencies(db, &tenant, &query_terms("дней доставки погоды")).await, [2, 1, 0]);
}

#[on_every_db]
async fn hostile_terms_are_mere_words(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let passages = store(db, &tenant, &["alpha beta", "gamma and delta", "alphabet"]).await;
    for nothing in [
        "",
        "\"",
        "'",
        "''",
        ":*",
        "*",
        "\0",
        "\\",
        "(",
        ")",
        "&",
        "|",
        "!",
        "<->",
        "-",
        "^",
        "—",
        "²",
        "™",
        "\u{301}",
        "👍",
        "near",
        "or",
        "not",
        "\u{feff}",
        "'; DROP TABLE passages; --",
        "a\0b",
    ] {
        let terms = words(&[nothing]);
        assert_eq!(candidates(db, &tenant, &terms).await, [], "{nothing:?}");
        assert_eq!(frequencies(db, &tenant, &terms).await, [0], "{nothing:?}");
        let with_a_word = words(&[nothing, "beta"]);
        let found = candidates(db, &tenant, &with_a_word).await;
        assert_eq!(
            texts(&passages, &found),
            BTreeSet::from(["alpha beta".to_owned()]),
            "{nothing:?}"
        );
        assert_eq!(frequencies(db, &tenant, &with_a_word).await, [0, 1], "{nothing:?}");
    }
    for (word, count) in
        [("alpha:*", 1), ("\"alpha", 1), ("AND", 1), ("al'pha", 1), ("alpha\0", 1), ("alp*", 0)]
    {
        assert_eq!(frequencies(db, &tenant, &words(&[word])).await, [count], "{word:?}");
    }
    assert_eq!(candidates(db, &tenant, &[]).await, []);
    assert_eq!(frequencies(db, &tenant, &[]).await, [0_i64; 0]);
}

#[on_every_db]
async fn assistants_do_not_see_each_other_s_passages(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let other = given::assistant(tenant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(other.clone()))));
    let other = Tenant { assistant: other, ..tenant.clone() };
    let scope = other.assistant.id.into_uuid().simple().to_string();
    let planted = format!("common @{scope} {scope}");
    let ours = store(db, &tenant, &["common ours", &planted]).await;
    let theirs = store(db, &other, &["common theirs"]).await;
    let terms = words(&["common"]);
    assert_eq!(texts(&theirs, &candidates(db, &other, &terms).await).len(), 1);
    assert_eq!(texts(&ours, &candidates(db, &tenant, &terms).await).len(), 2);
    assert_eq!(frequencies(db, &other, &terms).await, [1]);
    assert_eq!(frequencies(db, &tenant, &terms).await, [2]);
}

#[on_every_db]
async fn what_is_replaced_or_deleted_is_found_no_more(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let document = &tenant.document;
    let kept = store(db, &tenant, &["Доставка в регионы"]).await;
    let terms = words(&["доставк"]);
    assert_eq!(frequencies(db, &tenant, &terms).await, [2]);

    let new = [given::passage("Самовывоз"), given::passage("Самовывоз и доставка")];
    let gone = tenant.passages.iter().map(|passage| passage.id).collect();
    let changes = PassageChanges { gone, ..given::all_new(&new) };
    commit!(db, |tx| tx.workspace(tenant.id).passages().change(document.id, &changes));
    assert_eq!(
        frequencies(db, &tenant, &query_terms("доставка самовывоз returns")).await,
        [2, 2, 0]
    );
    let loaded = read!(db, |tx| tx.workspace(tenant.id).passages().load(&[tenant.passages[0].id]));
    assert_eq!(loaded, []);

    commit!(db, |tx| tx.apply(document.clone().remove(at(1))));
    let found = candidates(db, &tenant, &query_terms("доставка самовывоз")).await;
    assert_eq!(found.iter().map(Candidate::id).collect::<Vec<_>>(), [kept[0].id]);
    let rows = given::rows(&home.url, None).await;
    assert_eq!((rows["passages"].len(), rows["document_files"].len()), (1, 1));
    given::check_full_text(&home.url).await;
}

#[on_every_db]
async fn a_passage_that_stays_keeps_its_vector_in_another_place(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let stored = store(db, &tenant, &["раз доставка", "два доставка", "три"]).await;
    let document =
        read!(db, |tx| tx.workspace(tenant.id).passages().load(&[stored[0].id]))[0].document_id;
    let bytes = vec![7_u8; 8];
    let vectors: Vec<_> = stored.iter().map(|passage| (passage.id, bytes.clone())).collect();
    commit!(db, |tx| tx.workspace(tenant.id).passages().add_vectors("e5", &vectors));
    let place = Span { position: 0, start: 5, end: 9, page: None };
    let changes = PassageChanges {
        gone: vec![stored[0].id],
        moved: vec![(stored[1].id, place)],
        reindexed: vec![(stored[2].id, index_text("привет"), 1)],
        new: vec![given::passage("четыре доставка")],
    };
    commit!(db, |tx| tx.workspace(tenant.id).passages().change(document, &changes));
    assert_eq!(frequencies(db, &tenant, &query_terms("доставка привет три")).await, [2, 1, 0]);
    let left = read!(db, |tx| tx.workspace(tenant.id).passages().vectors(&[document], "e5"));
    let left: BTreeSet<PassageId> = left.into_iter().map(|(_, id, _)| id).collect();
    assert_eq!(left, BTreeSet::from([stored[1].id, stored[2].id]));
    let of = read!(db, |tx| tx.workspace(tenant.id).passages().of(document));
    assert_eq!(of.iter().find(|passage| passage.id == stored[1].id).unwrap().place, place);
    let missing = read!(db, |tx| tx.workspace(tenant.id).passages().unembedded(document, "e5", 9));
    assert_eq!(missing.iter().map(|passage| passage.id).collect::<Vec<_>>(), [changes.new[0].id]);
    let words = read!(db, |tx| tx.workspace(tenant.id).passages().words(&[document]));
    assert_eq!(words.len(), 3);
    given::check_full_text(&home.url).await;
}

#[on_every_db]
async fn the_vectors_of_runs_are_made_once_and_come_along_with_a_text(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let stored = store(db, &tenant, &["цены", "сроки"]).await;
    let id = stored[0].id;
    let document = read!(db, |tx| tx.workspace(tenant.id).passages().load(&[id]))[0].document_id;
    let vectors: Vec<_> = stored.iter().map(|passage| (passage.id, vec![2; 4])).collect();
    commit!(db, |tx| tx.workspace(tenant.id).passages().add_vectors("e5", &vectors));
    let missing =
        read!(db, |tx| tx.workspace(tenant.id).passages().without_runs(document, "e5", 9));
    assert_eq!(missing.len(), 2);

    commit!(db, |tx| tx.workspace(tenant.id).passages().add_runs("e5", &[(id, vec![1; 9])]));

    let missing =
        read!(db, |tx| tx.workspace(tenant.id).passages().without_runs(document, "e5", 9));
    assert_eq!(missing.iter().map(|passage| passage.id).collect::<Vec<_>>(), [stored[1].id]);
    let again = store(db, &tenant, &["цены"]).await[0].id;
    let other = read!(db, |tx| tx.workspace(tenant.id).passages().load(&[again]))[0].document_id;
    commit!(db, |tx| tx.workspace(tenant.id).passages().reuse_vectors(other, "e5"));
    let ids = [again, stored[1].id];
    let runs = read!(db, |tx| tx.workspace(tenant.id).passages().runs(&ids, "e5"));
    assert_eq!(runs, [(again, vec![1; 9])]);
}

#[on_every_db]
async fn a_text_that_has_a_vector_anywhere_in_the_workspace_is_not_embedded_again(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let stranger = given::tenant(db).await;
    let theirs = store(db, &stranger, &["сроки"]).await;
    commit!(db, |tx| tx
        .workspace(stranger.id)
        .passages()
        .add_vectors("e5", &[(theirs[0].id, vec![1; 4])]));
    let ours = store(db, &tenant, &["цены"]).await;
    commit!(db, |tx| tx
        .workspace(tenant.id)
        .passages()
        .add_vectors("e5", &[(ours[0].id, vec![2; 4])]));
    let again = store(db, &tenant, &["цены", "сроки", "возврат"]).await;
    let document =
        read!(db, |tx| tx.workspace(tenant.id).passages().load(&[again[0].id]))[0].document_id;
    for _ in 0..2 {
        assert_eq!(
            commit!(db, |tx| tx.workspace(tenant.id).passages().reuse_vectors(document, "e5")),
            1
        );
    }
    assert_eq!(
        commit!(db, |tx| tx.workspace(tenant.id).passages().reuse_vectors(document, "other")),
        0
    );
    let vectors = read!(db, |tx| tx.workspace(tenant.id).passages().vectors(&[document], "e5"));
    assert_eq!(vectors, [(document, again[0].id, vec![2; 4])]);
}

#[on_every_db]
async fn passages_are_loaded_in_the_order_asked_for(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    tenant.fill(db).await;
    let [first, second] = [tenant.passages[0].id, tenant.passages[1].id];
    let loaded = read!(db, |tx| tx.workspace(tenant.id).passages().load(&[second, id(), first]));
    assert_eq!(loaded.iter().map(|passage| passage.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!(loaded.iter().map(|passage| passage.position).collect::<Vec<_>>(), [1, 0]);
    let passage = &loaded[1];
    let stored = &tenant.passages[0];
    assert_eq!((&passage.text, &passage.headings), (&stored.text, &stored.headings));
    assert_eq!(
        (passage.start, passage.end, passage.page),
        (stored.place.start, stored.place.end, stored.place.page)
    );
    assert_eq!(
        (passage.title.as_str(), passage.document_id),
        (tenant.document.name.as_str(), tenant.document.id)
    );
}

/// Letters, digits and signs that tokenizers like to disagree about.
const TANGLED: &[&str] = &[
    "Wi-Fi 802.11ac 5GHz",
    "версия 1.2.3-rc4",
    "1e5 и 0x1F",
    "кВт·ч за 3,50 ₽",
    "naïve café",
    "Straße ẞ ß",
    "№5 §7",
    "C++ C# .NET",
    "info@example.com",
    "https://example.com/a?b=c",
    "x² + y³ = ½",
    "दिल्ली हिन्दी",
    "日本語の文章",
    "ёлка ЁЛКА елка",
    "İstanbul ıI",
    "don't rock'n'roll",
    "a_b-c",
    "ﬁne ﬂow",
    "Ⅷ век",
    "١٢٣ 四",
    "-5 +7 1_000 1 000",
    "e2e4 12abc abc12",
    "T9 9T",
    "👍🏽 ok",
    "co\u{0}op",
    "soft\u{ad}hyphen",
];

#[tokio::test]
async fn both_databases_find_the_same_passages() {
    let sqlite = testing::sqlite().await;
    let postgres = testing::postgres().await;
    let stored: Vec<String> = TANGLED.iter().map(|text| text.replace('\0', " ")).collect();
    let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
    let mut homes = Vec::new();
    for home in [&sqlite, &postgres] {
        let tenant = given::tenant(&home.db).await;
        let passages = store(&home.db, &tenant, &stored).await;
        homes.push((&home.db, tenant, passages));
    }
    for text in TANGLED {
        let whole = query_terms(text);
        let each = whole.iter().map(|term| vec![term.clone()]);
        for terms in each.chain([whole.clone()]) {
            let mut found = Vec::new();
            for (db, tenant, passages) in &homes {
                let texts = texts(passages, &candidates(db, tenant, &terms).await);
                found.push((texts, frequencies(db, tenant, &terms).await));
            }
            assert_eq!(found[0], found[1], "{text:?}: {terms:?}");
            assert!(!found[0].0.is_empty(), "{text:?}: {terms:?} finds nothing");
        }
    }
}

#[on_every_db]
async fn the_documents_of_a_deleted_assistant_are_hidden_at_once_and_deleted_in_steps(
    home: &TestDb,
) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let texts: Vec<String> = (0..1_200).map(|number| format!("Lantern {number} glows")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    store(db, &tenant, &texts).await;
    store(db, &tenant, &["Another lantern"]).await;
    commit!(db, |tx| tx.system().jobs().schedule(id(), PURGE, at(600)));
    commit!(db, |tx| tx.apply(fixtures::unexplained(Deleted(tenant.assistant.clone()))));

    let stored = async || given::rows(&home.url, None).await["passages"].len();
    assert_eq!(stored().await, 1_201, "nothing is deleted in the transaction of the request");
    let now = tenant.assistant.updated_at;
    assert!(read!(db, |tx| tx.system().jobs().any_due(now, Lane::Scheduled)));
    assert_eq!(candidates(db, &tenant, &query_terms("lantern")).await, []);
    while commit!(db, |tx| tx.system().documents().purge()).is_some_and(|gone| gone <= 1_000) {}
    assert_eq!(stored().await, 0);
}

#[on_every_db]
async fn who_knows_a_large_document_is_written_into_its_passages_in_steps(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let texts: Vec<String> = (0..2_500).map(|number| format!("Lantern {number} glows")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let passages = store(db, &tenant, &texts).await;
    let some = [passages[0].id];
    let id = read!(db, |tx| tx.workspace(tenant.id).passages().load(&some))[0].document_id;
    let second = Assistant { id: given::id(), ..tenant.assistant.clone() };
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(second.clone()))));
    let terms = query_terms("lantern");
    let found = async |assistant| {
        let tenant = tenant.id;
        let terms = [terms[0].clone()];
        read!(db, |tx| tx.workspace(tenant).passages().frequencies(assistant, &terms))[0]
    };
    let step = async || commit!(db, |tx| tx.system().documents().rescope());

    assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().link(second.id, id)));
    assert_eq!(found(second.id).await, 1_000, "one step at once");
    assert_eq!((step().await, found(second.id).await), (Some(1_000), 2_000));
    // Unlinked while it is not done: the last word counts.
    assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().unlink(second.id, id)));
    while step().await.is_some() {}
    assert_eq!((found(second.id).await, found(tenant.assistant.id).await), (0, 2_500));

    // What an assistant that is deleted leaves to another.
    assert!(commit!(db, |tx| tx.workspace(tenant.id).knowledge().link(second.id, id)));
    while step().await.is_some() {}
    commit!(db, |tx| tx.apply(fixtures::unexplained(Deleted(tenant.assistant.clone()))));
    while step().await.is_some() {}
    let term = tenant.assistant.id.into_uuid().simple();
    let sql = format!("UPDATE passages SET page = page WHERE scopes LIKE '%{term}%'");
    assert_eq!(testing::tamper(&home.url, &sql).await, 0);
    assert_eq!(found(second.id).await, 2_500);
    given::check_full_text(&home.url).await;
}

#[on_every_db]
async fn a_workspace_is_emptied_in_steps(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let other = given::tenant(db).await;
    other.fill(db).await;
    tenant.fill(db).await;
    let texts: Vec<String> = (0..1_500).map(|number| format!("Lantern {number} glows")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    store(db, &tenant, &texts).await;
    let others = given::rows(&home.url, Some(other.id)).await;

    let mut steps = Vec::new();
    loop {
        let gone = commit!(db, |tx| tx.system().workspaces().empty(tenant.id));
        steps.push(gone);
        if gone == 0 {
            break;
        }
    }
    assert_eq!(steps[0], 1_000, "{steps:?}");
    assert!(steps[1] >= 500 && steps.len() >= 5, "{steps:?}");
    let left = given::rows(&home.url, Some(tenant.id)).await;
    for table in ["passages", "messages", "events"] {
        assert!(left[table].is_empty(), "{table}");
    }
    assert_eq!(given::rows(&home.url, Some(other.id)).await, others);
    commit!(db, |tx| given::end(&mut tx, tenant.id));
}

#[on_every_db]
async fn a_large_document_is_hidden_at_once_and_deleted_in_steps(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let texts: Vec<String> = (0..2_500).map(|number| format!("Lantern {number} glows")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let passages = store(db, &tenant, &texts).await;
    let kept = store(db, &tenant, &["A lantern that is kept glows"]).await;
    let some: Vec<PassageId> = passages[..20].iter().map(|passage| passage.id).collect();
    let terms = query_terms("lantern");
    assert_eq!(candidates(db, &tenant, &terms).await.len(), 100);
    let found = read!(db, |tx| tx.workspace(tenant.id).passages().load(&some));
    let id = found[0].document_id;
    let outdated = async || read!(db, |tx| tx.system().documents().outdated(i64::MAX, None, 99));
    assert!(outdated().await.iter().any(|(_, document, _)| *document == id));
    commit!(db, |tx| tx.system().jobs().schedule(given::id(), PURGE, at(600)));
    let due = async || read!(db, |tx| tx.system().jobs().any_due(at(1), Lane::Scheduled));
    assert!(!due().await);

    let mut tx = db.begin().await.unwrap();
    let document = tx.workspace(tenant.id).documents().lock(id).await.unwrap().unwrap();
    tx.apply(document.clone().delete(&Actor::system(), at(1))).await.unwrap();
    tx.commit().await.unwrap();
    let stored = async || {
        let rows = read!(db, |tx| tx.workspace(tenant.id).passages().of(id));
        rows.len()
    };

    // What is left goes at once, and not when the job would have come next.
    assert!(due().await);

    // Before each step, and after the last: nobody finds it, and the other one is found.
    for left in [2_500, 1_500, 500, 0] {
        assert_eq!(stored().await, left);
        assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().find(id)), None);
        let page = PageRequest::new(Some(100), None);
        let filter = DocumentFilter::default();
        let listed = read!(db, |tx| tx.workspace(tenant.id).documents().list(filter, page));
        assert!(listed.items.iter().all(|document| document.id != id));
        let candidates = candidates(db, &tenant, &terms).await;
        let found: Vec<_> = candidates.iter().map(Candidate::id).collect();
        assert_eq!(found, [kept[0].id]);
        assert_eq!(frequencies(db, &tenant, &terms).await, [1]);
        assert!(read!(db, |tx| tx.workspace(tenant.id).passages().load(&some)).is_empty());
        assert!(outdated().await.iter().all(|(_, document, _)| *document != id));
        assert_eq!(commit!(db, |tx| tx.system().documents().purge()).is_some(), left > 0);
    }

    let left = given::rows(&home.url, None).await;
    assert_eq!(left["documents"].len(), left["document_files"].len());
    let mut tx = db.begin().await.unwrap();
    let again = tx.apply(document.delete(&Actor::system(), at(2))).await;
    assert!(again.is_err(), "it is gone");
}
