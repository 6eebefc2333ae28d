//! Every operation of the `OpenAPI` document, called by everybody who must not: without
//! credentials, as a viewer, as a member of another workspace, as a suspended member, and with a
//! key.
//!
//! Who may call an operation is read from the document, which reads the signatures of the handlers
//! ([`Gate::of`]).

use replyx_core::{
    permission::{Permission, Permissions},
    role::Role,
};
use replyx_testkit::api::{Answer, Api};
use reqwest::{Method, RequestBuilder, multipart};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    auth::{Operation, operations},
    harness::{Home, PASSWORD, PATIENCE, Shop, admin, assert_problem, join, on_every_home, until},
};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Anybody.
    Public,
    /// Who is signed in, wherever they are a member; no key.
    Account,
    /// Who has this permission in the workspace.
    Member(Permission),
    /// Who has power over the installation.
    Admin,
}

impl Gate {
    /// Who may call an operation, as the document says: it reads the handlers' signatures.
    pub(crate) fn of(operation: &Value) -> Self {
        let security = operation["security"].as_array().expect("every operation says who may call");
        let Some(needs) = security.first() else { return Self::Public };
        let needs = needs["bearer"].as_array().expect("every credential can be a token");
        match needs.first().and_then(Value::as_str) {
            None => Self::Account,
            Some("admin") => Self::Admin,
            Some(word) => Self::Member(word.parse().expect("a permission")),
        }
    }
}

/// A request that somebody who may would have been granted.
fn with_body(operation: &str, request: RequestBuilder) -> RequestBuilder {
    match operation {
        "create_assistant" | "update_assistant" | "update_document" | "update_workspace"
        | "create_workspace" | "update_api_key" | "update_me" | "update_model_key" => {
            request.json(&json!({"name": "Other"}))
        }
        "preview_assistant" => request.json(&json!({"text": "How long?"})),
        "publish_assistant" => request.json(&json!({"note": "stolen"})),
        "roll_back_assistant" => request.json(&json!({"number": 1})),
        "create_answer" => request.json(&json!({"question": "Open?", "answer": "Yes."})),
        "update_answer" => request.json(&json!({"answer": "No."})),
        "import_answers" => {
            request.header("content-type", "text/csv").body("question,answer\nOpen?,Yes.\n")
        }
        "create_question_set" | "update_question_set" => {
            request.json(&json!({"name": "Other", "questions": [{"question": "Open?"}]}))
        }
        "start_evaluation_run" => request.json(&json!({"answers": false})),
        "set_model_provider" => request.json(&json!({"base_url": "http://127.0.0.1:9/v1"})),
        "create_model_key" => {
            request.json(&json!({"provider": "openai", "name": "Other", "secret": "sk-other"}))
        }
        "search_assistant" => request.json(&json!({"query": "return an item"})),
        "upload_document" | "replace_document_file" | "upload_attachment" => {
            let part = multipart::Part::bytes(b"stolen".to_vec()).file_name("stolen.txt");
            request.multipart(multipart::Form::new().part("file", part))
        }
        "create_bot" | "replace_bot_token" => {
            request.json(&json!({"token": "4002:second-token-of-thirty-characters-or-so"}))
        }
        "set_presence" => request.json(&json!({"state": "online"})),
        "create_tag" | "update_tag" => request.json(&json!({"name": "stolen"})),
        "create_canned_reply" => {
            request.json(&json!({"shortcut": "stolen", "title": "Stolen", "text": "Hello"}))
        }
        "update_canned_reply" => request.json(&json!({"title": "Stolen"})),
        "tell_attention" => request.json(&json!({"state": "viewing"})),
        "change_dialogs" => request.json(&json!({"dialog_ids": [Uuid::nil()], "step": "close"})),
        "undo_bulk_change" => request.json(&json!({"bulk_id": Uuid::nil()})),
        "set_inbox_views" => request.json(&json!({"views": []})),
        "set_draft" => request.json(&json!({"text": "Hello"})),
        "update_dialog" => request.json(&json!({"assignee_id": null})),
        "set_assistant_sla" => request.json(&json!({"first_reply_minutes": 10})),
        "mark_dialog_read" => request.json(&json!({"seq": 1})),
        "write_message" => request.json(&json!({"client_id": "stolen", "text": "Hello"})),
        "correct_message_act" => request.json(&json!({"act": "question"})),
        "create_channel" => request.json(&json!({"kind": "api", "name": "Other"})),
        "post_message" => {
            request.json(&json!({"contact": "ann", "text": "Open?", "client_id": "stolen"}))
        }
        "create_source" => request.json(&json!({"url": "http://127.0.0.1:9/"})),
        "update_source" => request.json(&json!({"refresh_hours": 24})),
        "update_bot" => request.json(&json!({"mode": "polling"})),
        "update_member" => request.json(&json!({"role": "admin"})),
        "create_invitation" => request.json(&json!({"email": "new@example.org", "role": "viewer"})),
        "create_api_key" => request.json(&json!({"name": "Other", "scopes": ["bots:read"]})),
        "set_setting" => request.json(&json!({"value": 20})),
        "change_password" => {
            request.json(&json!({"current_password": "wrong 1", "new_password": "green lantern 9"}))
        }
        "begin_second_factor" | "replace_recovery_codes" | "delete_me" => {
            request.json(&json!({"password": "wrong lantern 1"}))
        }
        "confirm_second_factor" => request.json(&json!({"code": "000000"})),
        "remove_second_factor" => {
            request.json(&json!({"password": "wrong lantern 1", "code": "000000"}))
        }
        "accept_invitation" => request.json(&json!({"token": "0".repeat(64)})),
        _ => request,
    }
}

/// Has an assistant measured: the question set, the run, and an answer written by hand.
async fn measured(shop: &Shop) -> (String, String, String) {
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let pair = json!({"question": "Are you open on Sundays?", "answer": "Yes, from 10 to 16."});
    let answer = shop.owner.post(&format!("{path}/answers"), &pair).await.expect(201).text("id");
    let questions = json!([{"question": "How long may I return an item?", "answers": ["30 days"]}]);
    let set = json!({"name": "Returns", "questions": questions});
    let set = shop.owner.post(&format!("{path}/question-sets"), &set).await.expect(201).text("id");
    let path = format!("/api/v1/question-sets/{set}/runs");
    let run = shop.owner.post(&path, &json!({"answers": false})).await.expect(202).text("id");
    until("the run is done", async || {
        let run = shop.owner.get(&format!("/api/v1/evaluation-runs/{run}")).await.expect(200).body;
        assert_ne!(run["status"], "failed", "{run}");
        (run["status"] == "done").then_some(())
    })
    .await;
    (set, run, answer)
}

/// A shop that has one of everything, and people of every kind.
struct Town {
    shop: Shop,
    workspace: String,
    objects: Vec<(&'static str, String)>,
}

impl Town {
    async fn build(home: &Home) -> Self {
        let shop = home.open_with(home.launch().with("CRAWL_PRIVATE_ADDRESSES", "allow")).await;
        shop.learn("returns.en.md").await;
        let sources = format!("/api/v1/assistants/{}/sources", shop.assistant);
        // Nobody listens there.
        let source = json!({"url": "http://127.0.0.1:9/"});
        shop.owner.post(&sources, &source).await.expect(202);
        let bot = home.bot();
        shop.connect().await;
        let customer = bot.customer(7);
        customer.ask("How many days do I have to return an item?", PATIENCE).await.unwrap();
        let reply = shop.replies().await[0]["id"].as_str().unwrap().to_owned();
        let caption = json!({"caption": "How many days do I have to return this?"});
        customer.send_file("document", "receipt.txt", b"A receipt".to_vec(), caption);
        let attachment = until("the file is stored and answered", async || {
            let messages = shop.messages().await;
            let mut files = messages.iter().flat_map(|one| one["attachments"].as_array().unwrap());
            let file = files.next().filter(|file| file["status"] == "stored")?;
            (customer.sent_total() == 2).then(|| file["id"].as_str().unwrap().to_owned())
        })
        .await;
        let owner = &shop.owner;
        let invitation = json!({"email": "invited@example.org", "role": "viewer"});
        owner.post("/api/v1/invitations", &invitation).await.expect(201);
        let key = json!({"name": "Key", "scopes": ["bots:read"]});
        owner.post("/api/v1/api-keys", &key).await.expect(201);
        let me = owner.get("/api/v1/me").await.expect(200).body;
        let workspace = me["workspace"]["id"].as_str().unwrap().to_owned();
        let (set, run, answer) = measured(&shop).await;
        owner.post("/api/v1/tags", &json!({"name": "refund"})).await.expect(201);
        let canned = json!({"shortcut": "hi", "title": "Hello", "text": "Hello {customer}"});
        owner.post("/api/v1/canned-replies", &canned).await.expect(201);
        let mut objects = vec![
            ("question-sets", set),
            ("evaluation-runs", run),
            ("answers", answer),
            ("messages", reply),
            ("attachments", attachment),
            // Nobody but an admin gets so far as to look for them.
            ("admin/model-providers", "ollama".to_owned()),
            ("admin/model-keys", Uuid::nil().to_string()),
            ("admin/jobs", Uuid::nil().to_string()),
            ("admin/users", me["user"]["id"].as_str().unwrap().to_owned()),
            ("admin/workspaces", workspace.clone()),
            ("admin/settings", "login_lock_minutes".to_owned()),
        ];
        for (kind, id) in [
            ("assistants", "id"),
            ("documents", "id"),
            ("sources", "id"),
            ("bots", "id"),
            ("channels", "id"),
            ("dialogs", "id"),
            ("tags", "id"),
            ("canned-replies", "id"),
            ("members", "user_id"),
            ("invitations", "id"),
            ("api-keys", "id"),
            ("auth/sessions", "id"),
        ] {
            let list = owner.get(&format!("/api/v1/{kind}")).await.expect(200).body;
            let id = list["items"][0][id].as_str().unwrap_or_else(|| panic!("{kind}: {list}"));
            objects.push((kind, id.to_owned()));
        }
        Self { shop, workspace, objects }
    }

    /// The path of an operation, about an object of this shop.
    fn path(&self, operation: &Operation) -> String {
        let Some((before, _)) = operation.path.split_once('{') else {
            return operation.path.clone();
        };
        let kind = before.trim_start_matches("/api/v1/").trim_end_matches('/');
        let object = self.objects.iter().find(|(known, _)| *known == kind);
        let (_, id) = object.unwrap_or_else(|| panic!("`{kind}` is new: the shop needs one"));
        let about = |kind: &str| {
            let object = self.objects.iter().find(|(known, _)| *known == kind);
            object.expect("the shop has one").1.as_str()
        };
        let path = operation.path.replace("{id}", id).replace("{name}", id);
        let path = path.replace("{document_id}", about("documents"));
        let path = path.replace("{answer_id}", about("answers"));
        if path.ends_with("/diff") {
            format!("{path}?base={id}")
        } else if kind == "canned-replies" && path.ends_with("/text") {
            format!("{path}?dialog_id={}", about("dialogs"))
        } else {
            path
        }
    }

    /// The operation as one may call it who may.
    async fn call(&self, who: &Api, operation: &Operation) -> Answer {
        let request = who.request(operation.method.clone(), &self.path(operation));
        who.send(with_body(&operation.id, request)).await
    }

    /// Somebody new in this shop.
    async fn member(&self, home: &Home, email: &str, role: Role) -> Api {
        let api = Api::new(self.shop.program.base()).register(email, PASSWORD).await;
        join(home, &self.shop, &api, role).await;
        api.in_workspace(&self.workspace)
    }

    /// What the shop holds, to see that nothing of it has changed.
    async fn inventory(&self) -> Vec<Value> {
        let mut all = vec![self.shop.owner.get("/api/v1/workspace").await.expect(200).body];
        for kind in [
            "assistants",
            "documents",
            "bots",
            "channels",
            "dialogs",
            "tags",
            "canned-replies",
            "members",
            "invitations",
            "api-keys",
        ] {
            all.push(self.shop.owner.get(&format!("/api/v1/{kind}")).await.expect(200).body);
        }
        all
    }
}

/// Does its answer not end?
fn is_stream(operation: &str) -> bool {
    matches!(operation, "stream_events" | "stream_dialog_events")
}

#[on_every_home]
async fn without_credentials_nothing_but_the_public_is_open(home: &Home) {
    let town = Town::build(home).await;
    let before = town.inventory().await;
    let nobody = Api::new(town.shop.program.base());
    for operation in operations(&nobody).await {
        if operation.gate != Gate::Public {
            let answer = town.call(&nobody, &operation).await;
            assert_problem(&answer, 401, "unauthenticated");
        }
    }
    assert_eq!(town.inventory().await, before);
}

#[on_every_home]
async fn a_viewer_changes_nothing(home: &Home) {
    let town = Town::build(home).await;
    let viewer = town.member(home, "viewer@example.org", Role::Viewer).await;
    let before = town.inventory().await;
    let may = Permissions::of_role(Role::Viewer);
    for operation in operations(&viewer).await {
        let id = operation.id.as_str();
        match operation.gate {
            // Removing somebody else asks for more than the gate.
            Gate::Admin => assert_problem(&town.call(&viewer, &operation).await, 403, "forbidden"),
            Gate::Member(what) if !may.allow(what) || id == "remove_member" => {
                assert_problem(&town.call(&viewer, &operation).await, 403, "forbidden");
            }
            Gate::Member(_) if !is_stream(id) => {
                let answer = town.call(&viewer, &operation).await;
                assert!(answer.status.is_success(), "{id}: {} {}", answer.status, answer.body);
            }
            _ => {}
        }
    }
    assert_eq!(town.inventory().await, before);
}

#[on_every_home]
async fn another_workspace_does_not_exist(home: &Home) {
    let town = Town::build(home).await;
    let stranger =
        Api::new(town.shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let intruder = stranger.in_workspace(&town.workspace);
    let before = town.inventory().await;
    for operation in operations(&stranger).await {
        let id = operation.id.as_str();
        let about_an_object = operation.path.contains('{');
        match operation.gate {
            Gate::Admin => {
                assert_problem(&town.call(&stranger, &operation).await, 403, "forbidden");
            }
            Gate::Member(_) => {
                // By name ...
                assert_problem(&town.call(&intruder, &operation).await, 404, "not_found");
                // ... and by the ids of what is in it.
                if about_an_object {
                    let answer = town.call(&stranger, &operation).await;
                    assert_problem(&answer, 404, "not_found");
                } else if operation.method == Method::GET && !is_stream(id) {
                    let answer = town.call(&stranger, &operation).await.expect(200);
                    for (_, object) in &town.objects {
                        assert!(!answer.body.to_string().contains(object), "{id} shows {object}");
                    }
                }
            }
            Gate::Account if about_an_object => {
                assert_problem(&town.call(&stranger, &operation).await, 404, "not_found");
            }
            _ => {}
        }
    }
    assert_eq!(town.inventory().await, before);
}

#[on_every_home]
async fn a_suspended_member_does_nothing(home: &Home) {
    let town = Town::build(home).await;
    let member = town.member(home, "suspended@example.org", Role::Admin).await;
    town.call_all_reads(&member).await;
    let me = member.get("/api/v1/me").await.expect(200).body;
    let path = format!("/api/v1/members/{}", me["user"]["id"].as_str().unwrap());
    town.shop.owner.patch(&path, &json!({"suspended": true})).await.expect(200);
    let before = town.inventory().await;
    for operation in operations(&member).await {
        match operation.gate {
            Gate::Admin => assert_problem(&town.call(&member, &operation).await, 403, "forbidden"),
            Gate::Member(_) => {
                assert_problem(&town.call(&member, &operation).await, 403, "member_suspended");
            }
            Gate::Account | Gate::Public => {}
        }
    }
    assert_eq!(town.inventory().await, before);
    town.shop.owner.patch(&path, &json!({"suspended": false})).await.expect(200);
    town.call_all_reads(&member).await;
}

impl Town {
    /// To see that what is refused later was granted before.
    async fn call_all_reads(&self, who: &Api) {
        for operation in operations(who).await {
            let reads =
                matches!(operation.gate, Gate::Member(_)) && operation.method == Method::GET;
            if reads && !is_stream(&operation.id) {
                self.call(who, &operation).await.expect(200);
            }
        }
    }
}

#[on_every_home]
async fn a_key_is_no_person(home: &Home) {
    let town = Town::build(home).await;
    let scopes: Vec<&str> = Permissions::of_keys().iter().map(Permission::as_str).collect();
    for service in [false, true] {
        let body = json!({"name": "All", "scopes": scopes, "service": service});
        let key = town.shop.owner.post("/api/v1/api-keys", &body).await.expect(201).text("key");
        let key = Api::new(town.shop.program.base()).with_token(key);
        let before = town.inventory().await;
        for operation in operations(&key).await {
            let id = operation.id.as_str();
            match operation.gate {
                Gate::Account | Gate::Admin => {
                    assert_problem(&town.call(&key, &operation).await, 403, "session_required");
                }
                // Removing a member asks for more than the gate.
                Gate::Member(what) if what.needs_person() || id == "remove_member" => {
                    assert_problem(&town.call(&key, &operation).await, 403, "forbidden");
                }
                Gate::Member(_) if operation.method == Method::GET && !is_stream(id) => {
                    town.call(&key, &operation).await.expect(200);
                }
                Gate::Member(_) | Gate::Public => {}
            }
        }
        assert_eq!(town.inventory().await, before);
    }
}

#[on_every_home]
async fn an_account_works_for_whoever_is_signed_in_and_the_admin_side_for_admins(home: &Home) {
    let town = Town::build(home).await;
    let base = town.shop.program.base();
    admin(home, "root@example.org").await;
    for operation in operations(&town.shop.owner).await {
        // Each of them may end the session it is called with, or count a wrong password.
        let who = match operation.gate {
            Gate::Account => {
                let email = format!("{}@example.org", operation.id);
                Api::new(base).register(&email, PASSWORD).await
            }
            Gate::Admin => Api::new(base).login("root@example.org", PASSWORD).await,
            _ => continue,
        };
        let answer = town.call(&who, &operation).await;
        let code = answer.body["code"].as_str().unwrap_or_default();
        assert!(
            answer.status != 401 && !["forbidden", "session_required"].contains(&code),
            "{}: {} {}",
            operation.id,
            answer.status,
            answer.body
        );
        if operation.id == "block_user" || operation.id == "suspend_workspace" {
            let path =
                town.path(&operation).replace("/block", "/unblock").replace("/suspend", "/resume");
            who.post(&path, &json!({})).await.expect(200);
        }
    }
}
