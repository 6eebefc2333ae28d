//! Who works in a workspace: roles, invitations, and that what is decided holds at once.

use std::time::Duration;

use futures::future::join_all;
use replyx_core::{
    change::New, clock::Clock, fixtures, role::Role, rules::invitation::SentInvitation,
    secret::sha256_hex, workspace::Invitation,
};
use replyx_testkit::api::{Answer, Api};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    harness::{Home, PASSWORD, Shop, admin, assert_problem, join, on_every_home, until},
    mailbox::Letter,
};

/// Somebody with an account, and how others speak of them.
pub(crate) struct Person {
    pub(crate) api: Api,
    pub(crate) id: String,
}

impl Person {
    pub(crate) async fn of(api: Api) -> Self {
        let me = api.get("/api/v1/me").await.expect(200).body;
        Self { api, id: me["user"]["id"].as_str().unwrap().to_owned() }
    }

    /// Somebody who is a member of nothing but their own workspace.
    pub(crate) async fn new(shop: &Shop, email: &str) -> Self {
        Self::of(Api::new(shop.program.base()).register(email, PASSWORD).await).await
    }

    /// A member of the shop.
    pub(crate) async fn member(home: &Home, shop: &Shop, email: &str, role: Role) -> Self {
        let Self { api, id } = Self::new(shop, email).await;
        join(home, shop, &api, role).await;
        Self { api: api.in_workspace(&workspace(shop).await), id }
    }

    fn path(&self) -> String {
        format!("/api/v1/members/{}", self.id)
    }
}

/// The id of the shop's workspace.
pub(crate) async fn workspace(shop: &Shop) -> String {
    shop.owner.get("/api/v1/workspace").await.expect(200).text("id")
}

async fn members(shop: &Shop) -> Value {
    shop.owner.get("/api/v1/members").await.expect(200).body["items"].clone()
}

fn role_of(members: &Value, person: &Person) -> Option<String> {
    let found = members.as_array().unwrap().iter().find(|member| member["user_id"] == *person.id);
    found.map(|member| member["role"].as_str().unwrap().to_owned())
}

/// The token in the so-manieth invitation that somebody was mailed.
async fn invitation(home: &Home, to: &str, number: usize) -> String {
    until(&format!("invitation {number} for {to} arrives"), async || {
        home.letters(to).iter().filter_map(Letter::token).nth(number - 1)
    })
    .await
}

async fn accept(who: &Api, token: &str) -> Answer {
    who.post("/api/v1/invitations/accept", &json!({"token": token})).await
}

async fn invite(who: &Api, email: &str, role: &str) -> Answer {
    who.post("/api/v1/invitations", &json!({"email": email, "role": role})).await
}

#[on_every_home]
async fn nobody_rises_above_their_inviters_or_touches_who_stands_above_them(home: &Home) {
    let shop = home.open().await;
    let owner = Person::of(shop.owner.clone()).await;
    let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let operator = Person::member(home, &shop, "operator@example.org", Role::Operator).await;
    let viewer = Person::member(home, &shop, "viewer@example.org", Role::Viewer).await;
    let before = members(&shop).await;

    for (target, change) in [
        (&owner, json!({"role": "admin"})),
        (&owner, json!({"role": "owner"})),
        (&owner, json!({"suspended": true})),
        (&owner, json!({})),
        (&admin, json!({"role": "owner"})),
        (&viewer, json!({"role": "owner"})),
    ] {
        assert_problem(&admin.api.patch(&target.path(), &change).await, 403, "forbidden");
    }
    assert_problem(&admin.api.delete(&owner.path()).await, 403, "forbidden");
    assert_problem(&invite(&admin.api, "new@example.org", "owner").await, 403, "forbidden");
    for weak in [&operator, &viewer] {
        for target in [&owner, &admin, &operator, &viewer] {
            let answer = weak.api.patch(&target.path(), &json!({"role": "viewer"})).await;
            assert_problem(&answer, 403, "forbidden");
            if target.id != weak.id {
                assert_problem(&weak.api.delete(&target.path()).await, 403, "forbidden");
            }
        }
        assert_problem(&invite(&weak.api, "new@example.org", "viewer").await, 403, "forbidden");
    }
    // What a member is cannot be written over.
    for body in [
        json!({"role": "viewer", "user_id": owner.id}),
        json!({"email": "thief@example.org"}),
        json!({"role": "viewer", "workspace_id": Uuid::nil()}),
        json!({"is_admin": true}),
        json!({"role": "emperor"}),
        json!({"role": ["owner"]}),
        json!({"suspended": "no"}),
    ] {
        assert_problem(&shop.owner.patch(&viewer.path(), &body).await, 422, "invalid");
    }
    assert_eq!(members(&shop).await, before);

    admin.api.patch(&viewer.path(), &json!({"role": "admin"})).await.expect(200);
    admin.api.patch(&admin.path(), &json!({"role": "viewer"})).await.expect(200);
    assert_problem(
        &admin.api.patch(&admin.path(), &json!({"role": "admin"})).await,
        403,
        "forbidden",
    );
    let stranger = Person::new(&shop, "stranger@example.org").await;
    let answer = shop.owner.patch(&stranger.path(), &json!({"role": "viewer"})).await;
    assert_problem(&answer, 404, "not_found");
}

#[on_every_home]
async fn the_last_owner_stays(home: &Home) {
    let shop = home.open().await;
    let first = Person::of(shop.owner.clone()).await;
    let second = Person::member(home, &shop, "second@example.org", Role::Admin).await;
    let refuses = async |who: &Person| {
        for change in [json!({"role": "admin"}), json!({"suspended": true})] {
            assert_problem(&who.api.patch(&who.path(), &change).await, 409, "last_owner");
        }
        assert_problem(&who.api.delete(&who.path()).await, 409, "last_owner");
    };
    refuses(&first).await;
    // Nor is an owner who cannot act one.
    let suspended = json!({"role": "owner", "suspended": true});
    first.api.patch(&second.path(), &suspended).await.expect(200);
    refuses(&first).await;
    first.api.patch(&second.path(), &json!({"suspended": false})).await.expect(200);
    first.api.delete(&first.path()).await.expect(204);
    assert_problem(&first.api.get("/api/v1/members").await, 404, "not_found");
    refuses(&second).await;
}

/// Lets requests come as far as the lock that is held here, and then go on together.
async fn at_once(
    home: &Home,
    shop: &Shop,
    requests: impl IntoIterator<Item = impl Future<Output = Answer>>,
) -> Vec<Answer> {
    let id: Uuid = workspace(shop).await.parse().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    tx.workspace(id.into()).members().lock_owners().await.unwrap();
    let release = async {
        sleep(Duration::from_millis(500)).await;
        drop(tx);
    };
    tokio::join!(join_all(requests), release).0
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

#[on_every_home]
async fn of_two_owners_who_leave_at_once_one_stays(home: &Home) {
    let shop = home.open().await;
    let first = Person::of(shop.owner.clone()).await;
    let second = Person::member(home, &shop, "second@example.org", Role::Owner).await;
    let leave = async |who: &Person| who.api.delete(&who.path()).await;
    let answers = at_once(home, &shop, [&first, &second].map(leave)).await;
    assert_eq!(statuses(&answers), [204, 409], "{answers:?}");
}

#[on_every_home]
async fn of_two_owners_who_demote_each_other_at_once_one_stays(home: &Home) {
    let shop = home.open().await;
    let first = Person::of(shop.owner.clone()).await;
    let second = Person::member(home, &shop, "second@example.org", Role::Owner).await;
    let third = Person::member(home, &shop, "third@example.org", Role::Owner).await;
    let demote = async |(who, whom): (&Person, &Person)| {
        who.api.patch(&whom.path(), &json!({"role": "viewer"})).await
    };
    let answers = at_once(home, &shop, [(&first, &second), (&second, &first)].map(demote)).await;
    assert_eq!(statuses(&answers), [200, 403], "{answers:?}");
    let members = third.api.get("/api/v1/members").await.expect(200).body;
    let owners = members["items"].as_array().unwrap().iter();
    assert_eq!(owners.filter(|member| member["role"] == "owner").count(), 2);
}

#[on_every_home]
async fn what_is_decided_holds_at_once_for_who_is_signed_in(home: &Home) {
    let shop = home.open().await;
    let member = Person::member(home, &shop, "member@example.org", Role::Admin).await;
    let change = async || member.api.post("/api/v1/assistants", &json!({"name": "Other"})).await;
    change().await.expect(201);
    shop.owner.patch(&member.path(), &json!({"role": "viewer"})).await.expect(200);
    assert_problem(&change().await, 403, "forbidden");
    shop.owner.patch(&member.path(), &json!({"role": "admin"})).await.expect(200);
    change().await.expect(201);
    shop.owner.patch(&member.path(), &json!({"suspended": true})).await.expect(200);
    assert_problem(&change().await, 403, "member_suspended");
    assert_problem(&member.api.delete(&member.path()).await, 403, "member_suspended");
    shop.owner.patch(&member.path(), &json!({"suspended": false})).await.expect(200);
    change().await.expect(201);
    shop.owner.delete(&member.path()).await.expect(204);
    assert_problem(&change().await, 404, "not_found");
    assert_problem(&shop.owner.delete(&member.path()).await, 404, "not_found");
}

#[on_every_home]
async fn an_invitation_is_taken_up_once_and_by_nobody_else(home: &Home) {
    let shop = home.open().await;
    let guest = Person::new(&shop, "guest@example.org").await;
    let thief = Person::new(&shop, "thief@example.org").await;
    let sent = invite(&shop.owner, "Guest@Example.org", "operator").await.expect(201);
    assert_eq!(sent.text("email"), "guest@example.org");
    let token = invitation(home, "guest@example.org", 1).await;
    let list = shop.owner.get("/api/v1/invitations").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert!(!list.to_string().contains(&token) && !sent.body.to_string().contains(&token));

    assert_problem(&accept(&thief.api, &token).await, 403, "not_for_you");
    assert_problem(
        &accept(&guest.api, &token.replace(['0', '1', '2'], "3")).await,
        422,
        "wrong_token",
    );
    let joined = accept(&guest.api, &token).await.expect(200);
    assert_eq!(
        (joined.text("id"), joined.text("role")),
        (workspace(&shop).await, "operator".to_owned())
    );
    assert_eq!(role_of(&members(&shop).await, &guest).as_deref(), Some("operator"));
    guest.api.in_workspace(&joined.text("id")).get("/api/v1/dialogs").await.expect(200);
    for who in [&guest, &thief] {
        assert_problem(&accept(&who.api, &token).await, 422, "wrong_token");
    }
    assert_problem(&invite(&shop.owner, "guest@example.org", "admin").await, 409, "already_member");
    shop.owner.delete(&guest.path()).await.expect(204);
    assert_problem(&accept(&guest.api, &token).await, 422, "wrong_token");
}

#[on_every_home]
async fn an_invitation_ends_when_it_is_replaced_taken_back_or_late(home: &Home) {
    let shop = home.open().await;
    let guest = Person::new(&shop, "guest@example.org").await;
    invite(&shop.owner, "guest@example.org", "admin").await.expect(201);
    let first = invitation(home, "guest@example.org", 1).await;
    let again = invite(&shop.owner, "guest@example.org", "viewer").await.expect(201);
    let second = invitation(home, "guest@example.org", 2).await;
    assert_problem(&accept(&guest.api, &first).await, 422, "wrong_token");
    let path = format!("/api/v1/invitations/{}", again.text("id"));
    shop.owner.delete(&path).await.expect(204);
    assert_problem(&shop.owner.delete(&path).await, 404, "not_found");
    assert_problem(&accept(&guest.api, &second).await, 422, "wrong_token");

    let clock = Clock::system();
    let id = workspace(&shop).await.parse::<Uuid>().unwrap();
    let owner: Uuid = Person::of(shop.owner.clone()).await.id.parse().unwrap();
    let late = Invitation {
        id: clock.id(),
        workspace_id: id.into(),
        email: "guest@example.org".to_owned(),
        role: Role::Viewer,
        invited_by: owner.into(),
        expires_at: clock.now(),
        created_at: clock.now(),
    };
    let mut tx = home.db.db.begin().await.unwrap();
    let sent = SentInvitation { invitation: late, token_hash: sha256_hex(b"late") };
    tx.apply(fixtures::unexplained(New(sent))).await.unwrap();
    tx.commit().await.unwrap();
    assert_problem(&accept(&guest.api, "late").await, 422, "wrong_token");
    assert_eq!(role_of(&members(&shop).await, &guest), None);
}

#[on_every_home]
async fn an_invitation_is_worth_no_more_than_who_sent_it(home: &Home) {
    let shop = home.open().await;
    let inviter = Person::member(home, &shop, "inviter@example.org", Role::Owner).await;
    let guest = Person::new(&shop, "guest@example.org").await;
    invite(&inviter.api, "guest@example.org", "owner").await.expect(201);
    let token = invitation(home, "guest@example.org", 1).await;
    for change in [
        json!({"role": "admin"}),
        json!({"role": "operator"}),
        json!({"role": "owner", "suspended": true}),
    ] {
        shop.owner.patch(&inviter.path(), &change).await.expect(200);
        assert_problem(&accept(&guest.api, &token).await, 409, "invitation_void");
    }
    shop.owner.delete(&inviter.path()).await.expect(204);
    assert_problem(&accept(&guest.api, &token).await, 409, "invitation_void");
    let again = Api::new(shop.program.base()).login("inviter@example.org", PASSWORD).await;
    join(home, &shop, &again, Role::Owner).await;
    accept(&guest.api, &token).await.expect(200);
}

#[on_every_home]
async fn an_invitation_of_who_is_blocked_or_leaves_is_void(home: &Home) {
    let shop = home.open().await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let inviter = Person::member(home, &shop, "inviter@example.org", Role::Admin).await;
    let guest = Person::new(&shop, "guest@example.org").await;
    invite(&inviter.api, "guest@example.org", "admin").await.expect(201);
    let token = invitation(home, "guest@example.org", 1).await;

    let user = format!("/api/v1/admin/users/{}", inviter.id);
    root.post(&format!("{user}/block"), &json!({})).await.expect(200);
    assert_problem(&accept(&guest.api, &token).await, 409, "invitation_void");
    let newcomer = json!({"email": "new@example.org", "password": PASSWORD, "invitation": token});
    let answer = Api::new(shop.program.base()).post("/api/v1/auth/register", &newcomer).await;
    assert!(answer.status.is_client_error(), "{} {}", answer.status, answer.body);
    root.post(&format!("{user}/unblock"), &json!({})).await.expect(200);

    let again = Api::new(shop.program.base()).login("inviter@example.org", PASSWORD).await;
    let request = again.request(reqwest::Method::DELETE, "/api/v1/me");
    again.send(request.json(&json!({"password": PASSWORD}))).await.expect(202);
    assert_problem(&accept(&guest.api, &token).await, 409, "invitation_void");
    let again = Api::new(shop.program.base()).login("inviter@example.org", PASSWORD).await;
    let again = again.in_workspace(&workspace(&shop).await);
    let other = invite(&again, "other@example.org", "viewer").await;
    assert_problem(&other, 409, "invitation_void");
    again.post("/api/v1/me/restore", &json!({})).await.expect(200);
    accept(&guest.api, &token).await.expect(200);
    assert_eq!(role_of(&members(&shop).await, &guest).as_deref(), Some("admin"));
}

#[on_every_home]
async fn of_many_who_take_an_invitation_up_at_once_one_does(home: &Home) {
    let shop = home.open().await;
    let guest = Person::new(&shop, "guest@example.org").await;
    invite(&shop.owner, "guest@example.org", "viewer").await.expect(201);
    let token = invitation(home, "guest@example.org", 1).await;
    let answers = join_all((0..6).map(|_| accept(&guest.api, &token))).await;
    assert_eq!(statuses(&answers), [200, 422, 422, 422, 422, 422], "{answers:?}");
}

#[on_every_home]
async fn somebody_may_have_many_workspaces_and_names_the_one_they_act_in(home: &Home) {
    let shop = home.open().await;
    let first = workspace(&shop).await;
    let made = shop.owner.post("/api/v1/workspaces", &json!({"name": "Second"})).await.expect(201);
    assert_eq!(made.text("role"), "owner");
    let there = shop.owner.in_workspace(&made.text("id"));
    let assistants = async |who: &Api| {
        let list = who.get("/api/v1/assistants").await.expect(200).body;
        list["items"].as_array().unwrap().len()
    };
    assert_eq!((assistants(&shop.owner).await, assistants(&there).await), (1, 0));
    there.patch("/api/v1/workspace", &json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(there.get("/api/v1/workspace").await.expect(200).text("name"), "Renamed");
    let list = shop.owner.get("/api/v1/workspaces").await.expect(200).body;
    let ids: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [first.as_str(), &made.text("id")]);
    assert_eq!(list["items"][1]["name"], "Renamed");

    let stranger = Person::new(&shop, "stranger@example.org").await;
    for api in
        [stranger.api.in_workspace(&first), shop.owner.in_workspace(&Uuid::nil().to_string())]
    {
        assert_problem(&api.get("/api/v1/workspace").await, 404, "not_found");
    }
    let answer = shop.owner.in_workspace("not an id").get("/api/v1/workspace").await;
    assert_problem(&answer, 400, "malformed");
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x", "id": first}),
        json!({"name": "é".repeat(101)}),
    ] {
        assert_problem(&shop.owner.post("/api/v1/workspaces", &body).await, 422, "invalid");
    }
    let body = json!({"name": "x", "suspended_at": null});
    assert_problem(&shop.owner.patch("/api/v1/workspace", &body).await, 422, "invalid");
    for _ in 0..18 {
        shop.owner.post("/api/v1/workspaces", &json!({"name": "More"})).await.expect(201);
    }
    let answer = shop.owner.post("/api/v1/workspaces", &json!({"name": "Too many"})).await;
    assert_problem(&answer, 409, "too_many_workspaces");
}
