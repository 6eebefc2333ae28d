//! Answers that serve the same question again.

use replyx_storage::{
    kept_answers::{KeptAnswer, KeptKey},
    on_every_db,
    testing::TestDb,
};

use crate::given::{self, at};

#[on_every_db]
async fn an_answer_serves_what_it_was_made_for_until_it_ends(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let key = given::kept_key(tenant.assistant.id);
    let answer = given::kept_answer();
    commit!(db, |tx| tx.workspace(tenant.id).kept_answers().keep(&key, &answer, at(60)));

    let found = async |key: &KeptKey, seconds: i64| {
        read!(db, |tx| tx.workspace(tenant.id).kept_answers().find(key, at(seconds)))
    };
    assert_eq!(found(&key, 59).await, Some(answer.clone()));
    assert_eq!(found(&key, 60).await, None, "it has ended");
    for other in [
        KeptKey { question: "6b86b273".to_owned(), ..key.clone() },
        KeptKey { version: 2, ..key.clone() },
        KeptKey { revision: 4, ..key.clone() },
        KeptKey { assistant_id: given::id(), ..key.clone() },
    ] {
        assert_eq!(found(&other, 1).await, None, "{other:?}");
    }

    // A slow turn of earlier knowledge does not replace what was made later.
    let later = KeptKey { revision: 4, ..key.clone() };
    let newer = KeptAnswer { text: "Три дня.".to_owned(), ..answer.clone() };
    commit!(db, |tx| tx.workspace(tenant.id).kept_answers().keep(&later, &newer, at(60)));
    commit!(db, |tx| tx.workspace(tenant.id).kept_answers().keep(&key, &answer, at(90)));
    assert_eq!(found(&later, 1).await, Some(newer));
    assert_eq!(found(&key, 1).await, None);

    assert_eq!(commit!(db, |tx| tx.system().kept_answers().forget(at(60))), 0);
    assert_eq!(commit!(db, |tx| tx.system().kept_answers().forget(at(61))), 1);
    assert_eq!(found(&later, 1).await, None);
}
