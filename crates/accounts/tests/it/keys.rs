//! API keys.

use replyx_accounts::{
    Error,
    keys::{self, NewKey},
};
use replyx_core::{
    permission::{Permission, Permissions},
    workspace::KeyOwner,
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given;

fn new(scopes: &[Permission]) -> NewKey {
    NewKey {
        name: "Nightly upload".to_owned(),
        scopes: scopes.iter().copied().collect(),
        owner: KeyOwner::Maker,
        expires_at: None,
    }
}

#[on_every_db]
async fn a_key_is_known_to_whoever_made_it_alone(home: &TestDb) {
    let cx = given::cx(home);
    let owner = given::owner(&cx, "ann@example.org").await;
    let stranger = given::owner(&cx, "bob@example.org").await;
    let (key, secret) =
        keys::create(&cx, &owner, &new(&[Permission::DocumentsRead])).await.unwrap();
    assert!(keys::is_key(&secret) && secret.starts_with(&key.prefix), "{key:?}");

    let theirs = keys::read(&cx, &stranger, key.id).await;
    assert!(matches!(theirs, Err(Error::NotFound("key"))), "{theirs:?}");
    let theirs = keys::delete(&cx, &stranger, key.id).await;
    assert!(matches!(theirs, Err(Error::NotFound("key"))), "{theirs:?}");

    let renamed = keys::update(&cx, &owner, key.id, Some("Other")).await.unwrap();
    assert_eq!(renamed.name, "Other");
    keys::delete(&cx, &owner, key.id).await.unwrap();
    let gone = keys::read(&cx, &owner, key.id).await;
    assert!(matches!(gone, Err(Error::NotFound("key"))), "{gone:?}");

    let acts = given::acts(&cx, Some(owner.workspace_id)).await;
    let told: Vec<&str> = acts.iter().map(|entry| entry.act.action.as_str()).collect();
    assert_eq!(told, ["api_key.deleted", "api_key.updated", "api_key.created"]);
}

#[on_every_db]
async fn what_needs_a_person_is_given_to_no_key(home: &TestDb) {
    let cx = given::cx(home);
    let owner = given::owner(&cx, "ann@example.org").await;
    for scope in Permission::ALL.iter().copied().filter(|scope| scope.needs_person()) {
        let refused = keys::create(&cx, &owner, &new(&[scope])).await;
        assert!(matches!(refused, Err(Error::Field { field: "scopes", .. })), "{refused:?}");
    }
    let all: Vec<Permission> = Permissions::of_keys().iter().collect();
    keys::create(&cx, &owner, &new(&all)).await.unwrap();
}
