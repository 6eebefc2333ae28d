//! A person's profile, the export of all that is stored of them, and the deletion of their account.

use replyx_core::{
    audit::Outcome, change::New, clock::Clock, fixtures, ids::UserId, page::PageRequest,
    role::Role, secret::sha256_hex,
};
use replyx_storage::audit::AuditFilter;
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{EMAIL, Home, PASSWORD, Shop, assert_problem, join, on_every_home, until};

const ME: &str = "/api/v1/me";
const EXPORT: &str = "/api/v1/me/export";
const RESTORE: &str = "/api/v1/me/restore";

async fn delete_me(api: &Api, password: &str) -> Answer {
    api.send(api.request(Method::DELETE, ME).json(&json!({"password": password}))).await
}

async fn me(api: &Api) -> Value {
    api.get(ME).await.expect(200).body
}

fn uuid(value: &Value) -> Uuid {
    value.as_str().expect("an id").parse().expect("an id")
}

async fn stored(home: &Home, id: UserId) -> bool {
    home.db.db.read().await.unwrap().system().users().find(id).await.unwrap().is_some()
}

#[on_every_home]
async fn people_change_their_name_and_language_and_nothing_else(home: &Home) {
    let program = home.launch().start().await;
    let owner = Api::new(program.base()).register(EMAIL, PASSWORD).await;
    let seen = me(&owner).await;
    assert_eq!(seen["user"]["email"], EMAIL);
    assert_eq!(seen["role"], "owner");
    assert!(seen["permissions"].as_array().unwrap().contains(&json!("owners:write")));

    owner.patch(ME, &json!({"name": "Ада", "language": "ru"})).await.expect(200);
    let seen = me(&owner).await;
    assert_eq!((&seen["user"]["name"], &seen["user"]["language"]), (&json!("Ада"), &json!("ru")));
    let kept = owner.patch(ME, &json!({})).await.expect(200);
    assert_eq!(kept.body["name"], "Ада");
    let all = json!({"request": true, "sla": true, "mention": true});
    assert_eq!(kept.body["notifications"], all, "unless they say otherwise");
    let off = json!({"notifications": {"request": false}});
    let changed = owner.patch(ME, &off).await.expect(200).body;
    assert_eq!(changed["notifications"], json!({"request": false, "sla": true, "mention": true}));
    assert_eq!(me(&owner).await["user"]["notifications"], changed["notifications"]);
    for bad in [
        json!({"notifications": {"request": null, "weekly": true}}),
        json!({"notifications": {"sla": "no"}}),
        json!({"notifications": null}),
        json!({"name": ""}),
        json!({"name": "x".repeat(101)}),
        json!({"language": "xx"}),
        json!({"is_admin": true}),
        json!({"email": "other@example.org"}),
        json!({"delete_at": null}),
        json!({"id": Uuid::nil()}),
    ] {
        assert_problem(&owner.patch(ME, &bad).await, 422, "invalid");
    }
    owner.patch(ME, &json!({"name": null})).await.expect(200);
    let seen = me(&owner).await;
    assert_eq!((&seen["user"]["name"], &seen["user"]["is_admin"]), (&Value::Null, &json!(false)));
}

#[on_every_home]
async fn a_deleted_account_can_be_taken_back_in_the_time_of_grace(home: &Home) {
    let shop = home.open().await;
    let other = Api::new(shop.program.base()).login(EMAIL, PASSWORD).await;
    assert_problem(&delete_me(&shop.owner, "wrong lantern 7").await, 403, "wrong_password");
    me(&shop.owner).await;

    let answer = delete_me(&shop.owner, PASSWORD).await.expect(202);
    let delete_at: chrono::DateTime<chrono::Utc> = answer.text("delete_at").parse().unwrap();
    let days = (delete_at - Clock::system().now()).num_hours();
    assert!((166..=168).contains(&days), "{delete_at}");
    for signed_out in [&shop.owner, &other] {
        assert_problem(&signed_out.get(ME).await, 401, "unauthenticated");
    }
    home.letter(EMAIL, "delet", 1).await;

    // To ask again does not put it off.
    let again = Api::new(shop.program.base()).login(EMAIL, PASSWORD).await;
    assert_eq!(me(&again).await["user"]["delete_at"], answer.body["delete_at"]);
    let later = delete_me(&again, PASSWORD).await.expect(202);
    assert_eq!(later.body["delete_at"], answer.body["delete_at"]);

    let back = Api::new(shop.program.base()).login(EMAIL, PASSWORD).await;
    let restored = back.post(RESTORE, &json!({})).await.expect(200);
    assert_eq!(restored.body["delete_at"], Value::Null);
    assert_eq!(me(&back).await["user"]["delete_at"], Value::Null);
    back.post(RESTORE, &json!({})).await.expect(200);
    back.get(&format!("/api/v1/assistants/{}", shop.assistant)).await.expect(200);
}

#[on_every_home]
async fn after_the_time_of_grace_everything_of_the_account_is_gone(home: &Home) {
    let launch = home.launch().with("DELETION_GRACE_DAYS", 0);
    let shop = home.open_with(launch).await;
    let seen = me(&shop.owner).await;
    let user = uuid(&seen["user"]["id"]);
    let workspace = uuid(&seen["workspace"]["id"]);
    let bystander = Api::new(shop.program.base()).register("other@example.org", PASSWORD).await;
    let saved = Api::new(shop.program.base()).register("saved@example.org", PASSWORD).await;
    for person in [&shop.owner, &saved] {
        delete_me(person, PASSWORD).await.expect(202);
    }
    let back = Api::new(shop.program.base()).login("saved@example.org", PASSWORD).await;
    back.post(RESTORE, &json!({})).await.expect(200);

    let Shop { launch, program, owner, assistant } = shop;
    program.terminate().await;
    let shop = Shop::again(launch, &owner, assistant).await;
    until("the account is gone", async || (!stored(home, user.into()).await).then_some(())).await;

    let stranger = Api::new(shop.program.base());
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let answer = stranger.post("/api/v1/auth/login", &login).await;
    assert_problem(&answer, 401, "wrong_credentials");
    assert_problem(&shop.owner.get(ME).await, 401, "unauthenticated");
    me(&bystander.at(shop.program.base())).await;
    me(&back.at(shop.program.base())).await;
    let mut tx = home.db.db.read().await.unwrap();
    assert!(tx.system().workspaces().find(workspace.into()).await.unwrap().is_none());
    let assistants = tx.workspace(workspace.into()).assistants();
    let assistants = assistants.list(PageRequest::new(None, None)).await.unwrap();
    assert!(assistants.items.is_empty());
    let filter =
        AuditFilter { action: Some("account.deleted".to_owned()), ..AuditFilter::default() };
    let acts = tx.system().audit().list(&filter, PageRequest::new(None, None)).await.unwrap();
    let [entry] = acts.items.as_slice() else { panic!("one act: {acts:?}") };
    assert_eq!(entry.act.target_id, Some(user.to_string()));
    assert_eq!(entry.act.outcome, Outcome::Done);
    assert!(!format!("{:?}", entry.act).contains(EMAIL), "{entry:?}");
    drop(tx);
    let _ = stranger.register(EMAIL, PASSWORD).await;
}

#[on_every_home]
async fn a_workspace_with_others_in_it_is_never_left_without_an_owner(home: &Home) {
    let launch = home.launch().with("DELETION_GRACE_DAYS", 0);
    let shop = home.open_with(launch).await;
    let seen = me(&shop.owner).await;
    let user = uuid(&seen["user"]["id"]);
    let workspace = uuid(&seen["workspace"]["id"]);
    let base = shop.program.base().to_owned();
    let [viewer, heir] = ["viewer@example.org", "heir@example.org"];
    let viewer = Api::new(&base).register(viewer, PASSWORD).await;
    let heir = Api::new(&base).register(heir, PASSWORD).await;
    join(home, &shop, &viewer, Role::Viewer).await;
    assert_problem(&delete_me(&shop.owner, PASSWORD).await, 409, "last_owner");
    me(&shop.owner).await;

    // Another owner stays; of two one may go.
    join(home, &shop, &heir, Role::Owner).await;
    delete_me(&shop.owner, PASSWORD).await.expect(202);
    assert_problem(&delete_me(&heir, PASSWORD).await, 409, "last_owner");
    let heirs_own = uuid(&me(&heir).await["user"]["id"]);
    let heir = heir.in_workspace(&workspace.to_string());
    let leave = heir.delete(&format!("/api/v1/members/{heirs_own}")).await;
    assert_problem(&leave, 409, "last_owner");

    let Shop { launch, program, owner, assistant } = shop;
    program.terminate().await;
    let shop = Shop::again(launch, &owner, assistant).await;
    until("the account is gone", async || (!stored(home, user.into()).await).then_some(())).await;
    let heir = heir.at(shop.program.base());
    assert_eq!(me(&heir).await["role"], "owner");
    heir.get(&format!("/api/v1/assistants/{}", shop.assistant)).await.expect(200);
}

#[on_every_home]
async fn who_joined_after_the_last_owner_had_gone_inherits_the_workspace(home: &Home) {
    let launch = home.launch().with("DELETION_GRACE_DAYS", 0);
    let shop = home.open_with(launch).await;
    let seen = me(&shop.owner).await;
    let user = uuid(&seen["user"]["id"]);
    let workspace = uuid(&seen["workspace"]["id"]);
    let people = ["viewer@example.org", "operator@example.org"];
    let mut members = Vec::new();
    for email in people {
        members.push(Api::new(shop.program.base()).register(email, PASSWORD).await);
    }
    delete_me(&shop.owner, PASSWORD).await.expect(202);
    for (person, role) in members.iter().zip([Role::Viewer, Role::Operator]) {
        let id = uuid(&me(person).await["user"]["id"]);
        let mut tx = home.db.db.begin().await.unwrap();
        let member = fixtures::member(&Clock::system(), workspace.into(), id.into(), role);
        tx.apply(fixtures::unexplained(New(member))).await.unwrap();
        tx.commit().await.unwrap();
    }

    let Shop { launch, program, owner, assistant } = shop;
    program.terminate().await;
    let shop = Shop::again(launch, &owner, assistant).await;
    until("the account is gone", async || (!stored(home, user.into()).await).then_some(())).await;
    let roles = ["viewer", "owner"];
    for (person, role) in members.iter().zip(roles) {
        let person = person.at(shop.program.base()).in_workspace(&workspace.to_string());
        assert_eq!(me(&person).await["role"], role);
    }
}

#[on_every_home]
async fn an_export_holds_what_is_stored_and_no_secret(home: &Home) {
    let shop = home.open().await;
    let other = Api::new(shop.program.base()).register("other@example.org", PASSWORD).await;
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let login = Api::new(shop.program.base()).post("/api/v1/auth/login", &login).await.expect(200);
    let key = json!({"name": "Nightly upload", "scopes": ["documents:read"]});
    let key = shop.owner.post("/api/v1/api-keys", &key).await.expect(201).text("key");
    let begun = shop.owner.post("/api/v1/auth/totp", &json!({"password": PASSWORD})).await;
    let user = uuid(&me(&shop.owner).await["user"]["id"]);

    let answer = shop.owner.get(EXPORT).await.expect(200);
    assert!(
        answer.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment; filename=")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    let body = &answer.body;
    assert_eq!(body["user"]["email"], EMAIL);
    assert_eq!(body["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(body["memberships"][0]["role"], "owner");
    assert_eq!(body["api_keys"][0]["name"], "Nightly upload");
    assert_eq!(body["acts_complete"], true);
    let acts: Vec<&str> = body["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap())
        .collect();
    for act in ["account.registered", "session.opened", "assistant.created", "api_key.created"] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }

    let text = body.to_string();
    let mut tx = home.db.db.read().await.unwrap();
    let hash = tx.system().users().password_hash(user.into()).await.unwrap().unwrap();
    let refresh = login.text("refresh_token");
    for secret in [
        hash,
        "argon2".to_owned(),
        sha256_hex(key.as_bytes()),
        sha256_hex(refresh.as_bytes()),
        begun.text("secret"),
        login.text("access_token"),
        refresh,
        key,
        "hash".to_owned(),
        "other@example.org".to_owned(),
    ] {
        assert!(!text.contains(&secret), "{secret}");
    }
    let theirs = other.get(EXPORT).await.expect(200).body.to_string();
    assert!(!theirs.contains(EMAIL) && !theirs.contains(&user.to_string()), "{theirs}");
}
