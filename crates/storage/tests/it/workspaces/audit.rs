use replyx_core::{
    act::{Actor, AnswersImported, AuditRead},
    audit::{Act, ActorKind, Entry, GENESIS, Outcome, hash},
    change::Change,
    ids::WorkspaceId,
    page::{Page, PageRequest},
};
use replyx_storage::{
    Db, StorageError,
    audit::AuditFilter,
    on_every_db,
    testing::{TestDb, append_entry},
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::given::{self, at, id};

async fn append(db: &Db, chain: Option<WorkspaceId>, act: &Act) -> Vec<Entry> {
    let mut tx = db.begin().await.unwrap();
    append_entry(&mut tx, chain, act).await.unwrap();
    tx.commit().await.unwrap().audit
}

async fn list(
    db: &Db,
    chain: Option<WorkspaceId>,
    filter: &AuditFilter,
    page: PageRequest<i64>,
) -> Page<Entry, i64> {
    let mut tx = db.read().await.unwrap();
    match chain {
        Some(workspace) => tx.workspace(workspace).audit().list(filter, page).await.unwrap(),
        None => tx.system().audit().list(filter, page).await.unwrap(),
    }
}

/// What a whole chain says, oldest first; nothing when it does not fit together.
async fn verified(db: &Db, chain: Option<WorkspaceId>) -> Option<Vec<Entry>> {
    let mut tx = db.read().await.unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.seq);
        let more = tx.system().audit().read(chain, after, 3).await.ok()?;
        if more.is_empty() {
            break;
        }
        entries.extend(more);
    }
    let mut seq = 0;
    let mut previous = GENESIS.to_owned();
    for entry in &entries {
        seq += 1;
        previous = hash(&previous, chain, seq, &entry.act);
        if entry.seq != seq || entry.hash != previous || entry.workspace_id != chain {
            return None;
        }
    }
    let heads = tx.system().audit().chains().await.ok()?;
    let head = heads.into_iter().find(|(whose, ..)| *whose == chain);
    let head = head.map_or((0, GENESIS.to_owned()), |(_, seq, hash)| (seq, hash));
    (head == (seq, previous)).then_some(entries)
}

fn numbers(page: &Page<Entry, i64>) -> Vec<i64> {
    page.items.iter().map(|entry| entry.seq).collect()
}

/// A workspace's log with so many entries.
async fn chain_of(db: &Db, entries: usize) -> WorkspaceId {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    for number in 0..entries {
        append(db, Some(workspace.id), &given::act(&format!("act.{number}"))).await;
    }
    workspace.id
}

#[on_every_db]
async fn what_was_done_is_kept_to_the_last_detail(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 0).await;
    let mut acts = vec![
        Act {
            actor_id: None,
            target_id: None,
            target: String::new(),
            address: String::new(),
            ..given::act("login")
        },
        Act { at: at(0) + chrono::Duration::microseconds(1), ..given::act("a") },
        Act { at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(), ..given::act("b") },
        Act {
            at: given::at_millis(877),
            actor_name: "Ключ \"№1\" \\ \u{1f511}".to_owned(),
            ..given::act("c")
        },
        Act {
            details: json!({"b": [1, {"z": null, "a": "é\u{0}\n\\\""}], "a": {}}),
            ..given::act("d")
        },
        Act {
            details: json!({"n": [0.1, 1e-7, 1e300, -0.0, u64::MAX, i64::MIN, 1.0]}),
            ..given::act("e")
        },
        Act { details: json!(null), ..given::act("f") },
    ];
    for actor in ActorKind::ALL {
        for outcome in Outcome::ALL {
            acts.push(Act { actor: *actor, outcome: *outcome, ..given::act("g") });
        }
    }
    for chain in [Some(workspace), None] {
        let mut told = Vec::new();
        for act in &acts {
            told.extend(append(db, chain, act).await);
        }
        let kept = verified(db, chain).await.unwrap();
        assert_eq!(kept, told);
        assert_eq!(kept.into_iter().map(|entry| entry.act).collect::<Vec<_>>(), acts);
    }
}

/// Such numbers come back with another last digit than they were written with, at least from some
/// readers of JSON.
#[tokio::test]
async fn fractions_do_not_break_the_chain() {
    let home = replyx_storage::testing::sqlite().await;
    let workspace = chain_of(&home.db, 0).await;
    let mut bits = 1_u64;
    for _ in 0..50 {
        let numbers: Vec<_> = (0..20)
            .map(|_| {
                bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                f64::from_bits(bits)
            })
            .filter(|number| number.is_finite())
            .collect();
        let act = Act { details: json!(numbers), ..given::act("x") };
        append(&home.db, Some(workspace), &act).await;
    }
    assert_eq!(verified(&home.db, Some(workspace)).await.unwrap().len(), 50);
}

#[on_every_db]
async fn each_chain_counts_for_itself(home: &TestDb) {
    let db = &home.db;
    assert_eq!(read!(db, |tx| tx.system().audit().chains()), []);
    let ours = chain_of(db, 3).await;
    let theirs = chain_of(db, 1).await;
    append(db, None, &given::act("platform")).await;
    append(db, Some(ours), &given::act("last")).await;
    let mut heads = Vec::new();
    for (chain, count) in [(Some(ours), 4), (Some(theirs), 1), (None, 1)] {
        let entries = verified(db, chain).await.unwrap();
        assert_eq!(entries.len(), count);
        heads.push((chain, entries[count - 1].seq, entries[count - 1].hash.clone()));
    }
    let mut chains = read!(db, |tx| tx.system().audit().chains());
    heads.sort();
    chains.sort();
    assert_eq!(chains, heads);
}

#[on_every_db]
async fn entries_that_many_add_at_once_are_numbered_without_gaps(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 0).await;
    let mut adding = JoinSet::new();
    for number in 0..100 {
        let db = db.clone();
        adding.spawn(async move {
            let mut tx = db.begin().await.unwrap();
            append_entry(&mut tx, Some(workspace), &given::act(&format!("act.{number}")))
                .await
                .unwrap();
            tokio::task::yield_now().await;
            // Some change their minds.
            if number % 10 == 0 {
                drop(tx);
                return Vec::new();
            }
            tx.commit().await.unwrap().audit
        });
    }
    let mut told: Vec<_> = adding.join_all().await.into_iter().flatten().collect();
    told.sort_by_key(|entry| entry.seq);
    assert_eq!(
        told.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        (1..=90).collect::<Vec<_>>()
    );
    assert_eq!(verified(db, Some(workspace)).await, Some(told));
}

#[on_every_db]
async fn a_hundred_first_entries_make_one_chain(home: &TestDb) {
    let db = &home.db;
    let mut adding = JoinSet::new();
    for _ in 0..100 {
        let db = db.clone();
        adding.spawn(async move { append(&db, None, &given::act("x")).await });
    }
    adding.join_all().await;
    let entries = verified(db, None).await.unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        (1..=100).collect::<Vec<_>>()
    );
}

#[on_every_db]
async fn who_adds_waits_for_the_one_before_and_follows_it(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 0).await;
    race!(
        db,
        |tx| append_entry(&mut tx, Some(workspace), &given::act("first")),
        append_entry(&mut tx, Some(workspace), &given::act("second"))
    );
    let mut undone = db.begin().await.unwrap();
    append_entry(&mut undone, Some(workspace), &given::act("undone")).await.unwrap();
    drop(undone);
    append(db, Some(workspace), &given::act("third")).await;
    let entries = verified(db, Some(workspace)).await.unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry.act.action.as_str()).collect();
    assert_eq!(actions, ["first", "second", "third"]);
}

#[on_every_db]
async fn many_entries_of_one_transaction_are_told_in_their_order(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 0).await;
    let mut tx = db.begin().await.unwrap();
    append_entry(&mut tx, Some(workspace), &given::act("one")).await.unwrap();
    append_entry(&mut tx, None, &given::act("two")).await.unwrap();
    append_entry(&mut tx, Some(workspace), &given::act("three")).await.unwrap();
    let told = tx.commit().await.unwrap().audit;
    let told: Vec<_> = told
        .iter()
        .map(|entry| (entry.workspace_id, entry.seq, entry.act.action.as_str()))
        .collect();
    assert_eq!(
        told,
        [(Some(workspace), 1, "one"), (None, 1, "two"), (Some(workspace), 2, "three")]
    );
    assert!(verified(db, Some(workspace)).await.is_some() && verified(db, None).await.is_some());
}

#[on_every_db]
async fn whatever_is_changed_in_a_log_shows(home: &TestDb) {
    const ENTRY: &str = "UPDATE audit_entries SET";
    const THIRD: &str = "AND seq = 3";
    let (blob, nil) = if home.url.starts_with("sqlite:") {
        ("x'00'", "'2027-01-15T08:00:00+00:00'")
    } else {
        ("'00000000-0000-0000-0000-000000000000'::uuid", "'2027-01-15T08:00:00+00:00'::timestamptz")
    };
    let actor_id = format!("actor_id = {blob}");
    let at = format!("at = {nil}");
    let fields = [
        &at,
        &actor_id,
        "actor = 'admin'",
        "actor_id = NULL",
        "actor_name = 'x'",
        "action = 'x'",
        "target = 'x'",
        "target_id = 'x'",
        "target_id = NULL",
        "address = 'x'",
        "outcome = 'refused'",
        "details = '{}'",
        "details = 'no JSON'",
        "hash = 'x'",
        "seq = 99",
        "chain = 'platform'",
    ];
    let mut ways: Vec<_> = fields.iter().map(|field| (ENTRY, (*field).to_owned(), THIRD)).collect();
    for seq in ["1", "3", "5"] {
        ways.push((
            "DELETE FROM audit_entries",
            String::new(),
            match seq {
                "1" => "AND seq = 1",
                "3" => "AND seq = 3",
                _ => "AND seq = 5",
            },
        ));
    }
    ways.push(("UPDATE audit_heads SET", "seq = 4".to_owned(), ""));
    ways.push(("UPDATE audit_heads SET", "hash = 'x'".to_owned(), ""));
    ways.push(("DELETE FROM audit_heads", String::new(), ""));
    let tests = ways.len();
    for (verb, field, which) in ways {
        let chain = chain_of(&home.db, 5).await;
        assert!(verified(&home.db, Some(chain)).await.is_some());
        let sql = format!("{verb} {field} WHERE chain = '{chain}' {which}");
        assert_eq!(given::tamper(&home.url, &sql).await, 1, "{sql}");
        assert_eq!(verified(&home.db, Some(chain)).await, None, "{sql}");
    }
    assert_eq!(tests, fields.len() + 6);
}

#[on_every_db]
async fn entries_that_changed_places_or_were_slipped_in_show(home: &TestDb) {
    let db = &home.db;
    let chain = chain_of(db, 5).await;
    for seq in ["99 WHERE seq = 2", "2 WHERE seq = 3", "3 WHERE seq = 99"] {
        given::tamper(
            &home.url,
            &format!("UPDATE audit_entries SET seq = {seq} AND chain = '{chain}'"),
        )
        .await;
    }
    assert_eq!(verified(db, Some(chain)).await, None);

    let chain = chain_of(db, 5).await;
    let columns = "at, actor, actor_id, actor_name, action, target, target_id, address, outcome, details, hash";
    let copy = format!(
        "INSERT INTO audit_entries (chain, seq, {columns})
             SELECT chain, 6, {columns} FROM audit_entries WHERE chain = '{chain}' AND seq = 5"
    );
    assert_eq!(given::tamper(&home.url, &copy).await, 1);
    assert_eq!(verified(db, Some(chain)).await, None);
    // Nor can anybody add to such a log.
    let mut tx = db.begin().await.unwrap();
    assert!(append_entry(&mut tx, Some(chain), &given::act("x")).await.unwrap_err().is_duplicate());
}

#[on_every_db]
async fn another_workspaces_entries_do_not_fit(home: &TestDb) {
    let db = &home.db;
    let ours = chain_of(db, 2).await;
    let theirs = chain_of(db, 0).await;
    for table in ["audit_entries", "audit_heads"] {
        let sql = format!("UPDATE {table} SET chain = '{theirs}' WHERE chain = '{ours}'");
        assert!(given::tamper(&home.url, &sql).await > 0);
    }
    assert_eq!(verified(db, Some(theirs)).await, None);
    assert_eq!(verified(db, Some(ours)).await, Some(vec![]));
}

#[on_every_db]
async fn a_log_is_searched_by_what_was_done_and_by_whom(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 0).await;
    let anna = id::<WorkspaceId>().into_uuid();
    let boris = id::<WorkspaceId>().into_uuid();
    let acts = [
        ("member.removed", Some(anna)),
        ("member.invited", Some(boris)),
        ("member", Some(anna)),
        ("members.x", None),
        ("login", Some(boris)),
        ("m_mber.removed", Some(anna)),
        ("ключ.создан", None),
    ];
    for (action, actor_id) in acts {
        for chain in [Some(workspace), None] {
            append(db, chain, &Act { actor_id, ..given::act(action) }).await;
        }
    }
    let expected: [(Option<&str>, Option<_>, &[i64]); 16] = [
        (None, None, &[7, 6, 5, 4, 3, 2, 1]),
        (Some("member"), None, &[3, 2, 1]),
        (Some("member."), None, &[]),
        (Some("member.removed"), None, &[1]),
        (Some("member.rem"), None, &[]),
        (Some("Member"), None, &[]),
        (Some("m_mber"), None, &[6]),
        (Some("%"), None, &[]),
        (Some(""), None, &[]),
        (Some("login"), None, &[5]),
        (Some("ключ"), None, &[7]),
        (Some("' OR 1=1 --"), None, &[]),
        (None, Some(anna), &[6, 3, 1]),
        (None, Some(given::stranger().into_uuid()), &[]),
        (Some("member"), Some(anna), &[3, 1]),
        (Some("login"), Some(anna), &[]),
    ];
    for (action, actor_id, seqs) in expected {
        let filter = AuditFilter { action: action.map(str::to_owned), actor_id };
        for chain in [Some(workspace), None] {
            let found = list(db, chain, &filter, PageRequest::new(None, None)).await;
            assert_eq!((numbers(&found), found.next), (seqs.to_vec(), None), "{filter:?}");
        }
    }
}

#[on_every_db]
async fn a_log_is_paged_newest_first_while_it_grows(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 5).await;
    let all = AuditFilter::default();
    let acts = AuditFilter { action: Some("act".to_owned()), actor_id: None };
    for filter in [&all, &acts] {
        let first = list(db, Some(workspace), filter, PageRequest { limit: 2, after: None }).await;
        append(db, Some(workspace), &given::act("other")).await;
        let second =
            list(db, Some(workspace), filter, PageRequest { limit: 2, after: first.next }).await;
        let third =
            list(db, Some(workspace), filter, PageRequest { limit: 2, after: second.next }).await;
        if filter == &all {
            assert_eq!(
                (numbers(&first), numbers(&second), numbers(&third)),
                (vec![5, 4], vec![3, 2], vec![1])
            );
        }
        assert_eq!(third.next, None);
    }
    let found = list(db, Some(workspace), &acts, PageRequest { limit: 2, after: Some(3) }).await;
    assert_eq!((numbers(&found), found.next), (vec![2, 1], None));
    let whole = verified(db, Some(workspace)).await.unwrap();
    let mut listed = list(db, Some(workspace), &all, PageRequest::new(None, None)).await.items;
    listed.reverse();
    assert_eq!(listed, whole);
}

#[on_every_db]
async fn the_log_of_a_deleted_workspace_stays_and_can_be_checked(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(&home.db, 3).await;
    let before = verified(db, Some(workspace)).await;
    commit!(db, |tx| given::end(&mut tx, workspace));
    assert_eq!(verified(db, Some(workspace)).await, before);
    assert_eq!(read!(db, |tx| tx.system().audit().chains()).len(), 1);
}

#[on_every_db]
async fn a_chain_whose_name_is_nobodys_is_reported(home: &TestDb) {
    let chain = chain_of(&home.db, 1).await;
    given::tamper(
        &home.url,
        &format!("UPDATE audit_heads SET chain = 'x' WHERE chain = '{chain}'"),
    )
    .await;
    let mut tx = home.db.read().await.unwrap();
    let refused = tx.system().audit().chains().await;
    assert!(
        matches!(refused, Err(StorageError::Corrupt { table: "audit_heads", .. })),
        "{refused:?}"
    );
}

#[on_every_db]
async fn recorded_acts_are_entered_at_the_commit_in_their_order(home: &TestDb) {
    let db = &home.db;
    let workspace = chain_of(db, 0).await;
    let actor = Actor::user(id(), "anna@example.org", "127.0.0.1");
    let mut tx = db.begin().await.unwrap();
    let read = |now| Change::platform_act(&actor, &AuditRead { workspace }, now);
    let first = AnswersImported { assistant: id(), imported: 3, skipped: 0 };
    let second = AnswersImported { assistant: id(), imported: 1, skipped: 2 };
    tx.apply(read(at(1))).await.unwrap();
    tx.apply(Change::act(workspace, &actor, &first, at(2))).await.unwrap();
    tx.apply(Change::act(workspace, &actor, &second, at(3))).await.unwrap();
    assert_eq!(read!(db, |tx| tx.system().audit().chains()), [], "not before the commit");

    let told = tx.commit().await.unwrap().audit;
    let order: Vec<_> = told
        .iter()
        .map(|entry| (entry.workspace_id, entry.seq, entry.act.action.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            (Some(workspace), 1, "answers.imported"),
            (Some(workspace), 2, "answers.imported"),
            (None, 1, "audit.read"),
        ]
    );
    assert_eq!(told[0].act, actor.did(&first, at(2)));
    assert!(verified(db, Some(workspace)).await.is_some() && verified(db, None).await.is_some());

    let mut undone = db.begin().await.unwrap();
    undone.apply(read(at(4))).await.unwrap();
    drop(undone);
    assert_eq!(verified(db, None).await.unwrap().len(), 1);
}
