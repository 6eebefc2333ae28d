//! The document of the API against the program: what a generated client reads is what it gets.

use std::collections::BTreeMap;

use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{EMAIL, Home, PASSWORD, REPLYX, admin, sample, with_model};

async fn document() -> Value {
    let output = tokio::process::Command::new(REPLYX).arg("openapi").output().await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a reference leads to, or the value itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(path) => document.pointer(path.trim_start_matches('#')).expect("it leads somewhere"),
        None => value,
    }
}

/// What is wrong with a value by a schema of the document, if anything is. A property that the
/// schema does not know is wrong, too: a generated client would never see it.
fn fault(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let faults: Vec<String> =
            choices.iter().map_while(|choice| fault(document, choice, value, at)).collect();
        return (faults.len() == choices.len()).then(|| faults.join(" | "));
    }
    let whole = schema.get("allOf").map(|_| joined(document, schema));
    let schema = whole.as_ref().unwrap_or(schema);
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::String(kind) => vec![kind],
        _ => return None,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) if kinds.contains(&"number") => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return Some(format!("{at} is {value}, not {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !value.is_null()
        && !words.contains(value)
    {
        return Some(format!("{at} is {value}, not one of {words:?}"));
    }
    match value {
        Value::Array(items) => items.iter().zip(0..).find_map(|(item, place)| {
            fault(document, &schema["items"], item, &format!("{at}[{place}]"))
        }),
        Value::Object(fields) => object_fault(document, schema, fields, at),
        _ => None,
    }
}

/// The parts of a schema as one.
fn joined(document: &Value, schema: &Value) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = resolved(document, part);
        let part = if part.get("allOf").is_some() { joined(document, part) } else { part.clone() };
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn object_fault(
    document: &Value,
    schema: &Value,
    fields: &serde_json::Map<String, Value>,
    at: &str,
) -> Option<String> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !fields.contains_key(name) {
            return Some(format!("{at}.{name} is missing"));
        }
    }
    let known = schema["properties"].as_object()?;
    fields.iter().find_map(|(name, value)| match known.get(name) {
        Some(schema) => fault(document, schema, value, &format!("{at}.{name}")),
        None if schema["additionalProperties"].is_object() => None,
        None => Some(format!("{at}.{name} is not described")),
    })
}

/// The operations: id to (method, path, description).
fn operations(document: &Value) -> BTreeMap<String, (String, String, Value)> {
    let mut all = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            all.insert(id, (method.clone(), path.clone(), operation.clone()));
        }
    }
    all
}

/// Names of schemas that are reached from a value.
fn reached<'d>(document: &'d Value, value: &'d Value, found: &mut BTreeMap<String, &'d Value>) {
    match value {
        Value::Object(fields) => {
            if let Some(path) = fields.get("$ref").and_then(Value::as_str) {
                let name = path.rsplit('/').next().unwrap().to_owned();
                let target = resolved(document, value);
                if !path.contains("/schemas/") || found.insert(name, target).is_none() {
                    reached(document, target, found);
                }
            }
            fields
                .iter()
                .filter(|(name, _)| *name != "links" && *name != "examples")
                .for_each(|(_, field)| reached(document, field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| reached(document, item, found)),
        _ => {}
    }
}

fn has_null(schema: &Value) -> bool {
    schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("null")))
        || schema["oneOf"].as_array().is_some_and(|any| any.iter().any(|one| one["type"] == "null"))
}

/// Left out at times, so neither required nor ever `null`.
const SOMETIMES: [(&str, &str); 37] = [
    ("Problem", "available"),
    ("Problem", "errors"),
    ("Problem", "holder"),
    ("Problem", "message"),
    ("Problem", "needed"),
    ("StreamedEvent", "id"),
    ("Tokens", "access_token"),
    ("Tokens", "refresh_token"),
    ("Tokens", "csrf_token"),
    ("RegisteredUser", "access_token"),
    ("RegisteredUser", "refresh_token"),
    ("RegisteredUser", "token_type"),
    ("RegisteredUser", "expires_in"),
    ("RegisteredUser", "csrf_token"),
    ("SavedInboxQuery", "view"),
    ("SavedInboxQuery", "control"),
    ("SavedInboxQuery", "assistant_id"),
    ("SavedInboxQuery", "channel_id"),
    ("SavedInboxQuery", "assignee_id"),
    ("SavedInboxQuery", "tag"),
    ("SavedInboxQuery", "unread"),
    ("SavedInboxQuery", "order"),
    ("MessageEditedEvent", "text"),
    ("MessageStoredEvent", "text"),
    ("ReplySettledEvent", "text"),
    ("DocumentStatusEvent", "error"),
    ("DocumentStatusEvent", "warnings"),
    ("SourceStatusEvent", "error"),
    ("BotStatusEvent", "error"),
    ("ChannelStatusEvent", "error"),
    ("DialogControlEvent", "step"),
    ("DialogControlEvent", "seq"),
    ("DialogControlEvent", "reason"),
    ("DialogControlEvent", "assignee_id"),
    ("DialogControlEvent", "assigned_by"),
    ("NoteStoredEvent", "author_id"),
    ("NoteStoredEvent", "mentions"),
];

#[tokio::test]
async fn what_is_always_sent_is_required_and_parameters_are_never_null() {
    let document = document().await;
    let mut answers = BTreeMap::new();
    let all = operations(&document);
    for (id, (_, _, operation)) in &all {
        reached(&document, &operation["responses"], &mut answers);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = resolved(&document, parameter);
            assert!(!has_null(resolved(&document, &parameter["schema"])), "{id}: {parameter}");
        }
    }
    assert!(answers.len() > 50, "{:?}", answers.keys());
    for (name, schema) in &answers {
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (field, shape) in schema["properties"].as_object().into_iter().flatten() {
            let sometimes = SOMETIMES.contains(&(name, field));
            assert_eq!(required.contains(&json!(field)), !sometimes, "{name}.{field}");
            assert!(!sometimes || !has_null(shape), "{name}.{field} is left out, never null");
        }
    }
}

#[tokio::test]
async fn the_codes_of_problems_are_a_closed_list() {
    let document = document().await;
    let schemas = &document["components"]["schemas"];
    let code = resolved(&document, &schemas["Problem"]["properties"]["code"]);
    let words = code["enum"].as_array().expect("a list of words");
    assert!(words.len() > 45 && words.contains(&json!("unknown_parameter")), "{words:?}");
    for (name, example) in document["components"]["examples"].as_object().unwrap() {
        assert!(words.contains(&example["value"]["code"]), "{name}");
        let fault = fault(&document, &schemas["Problem"], &example["value"], name);
        assert_eq!(fault, None);
    }
}

/// `openapi-python-client` names a variable after the schema and one after each field: equal names
/// are an error there.
#[tokio::test]
async fn no_schema_is_named_as_one_of_its_fields() {
    let document = document().await;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let mut snake = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        assert!(schema["properties"].get(&snake).is_none(), "`{name}` and its field `{snake}`");
    }
}

#[tokio::test]
async fn every_example_fits_its_schema_and_shows_no_placeholder() {
    let document = document().await;
    for (id, (_, _, operation)) in &operations(&document) {
        let bodies = operation["responses"].as_object().unwrap().values();
        for body in bodies.chain(operation.get("requestBody")) {
            let body = resolved(&document, body);
            for content in body["content"].as_object().into_iter().flatten().map(|(_, it)| it) {
                let Some(example) = content.get("example") else { continue };
                assert!(!example.to_string().contains("(text)"), "{id}: {example}");
                if content["schema"]["type"] != "string" {
                    assert_eq!(fault(&document, &content["schema"], example, id), None);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_new_thing_links_to_its_operations() {
    let document = document().await;
    let all = operations(&document);
    let links = |id: &str, status: &str| all[id].2["responses"][status]["links"].clone();
    let assistant = links("create_assistant", "201");
    assert_eq!(assistant["read_assistant"]["parameters"], json!({"id": "$response.body#/id"}));
    assert!(links("upload_document", "202")["read_document"].is_object());
    let answer = links("create_answer", "201");
    let parameters = &answer["read_answer"]["parameters"];
    assert_eq!(*parameters, json!({"id": "$request.path.id", "answer_id": "$response.body#/id"}));
    for (id, (_, _, operation)) in &all {
        for response in operation["responses"].as_object().unwrap().values() {
            for link in response["links"].as_object().into_iter().flatten().map(|(_, link)| link) {
                let target = link["operationId"].as_str().unwrap();
                assert!(all.contains_key(target), "{id} links to `{target}`");
            }
        }
    }
}

/// Sends the examples of the document to the program, as "Try it out" does.
struct Visitor<'d> {
    document: &'d Value,
    operations: BTreeMap<String, (String, String, Value)>,
    ids: BTreeMap<&'static str, String>,
}

impl Visitor<'_> {
    /// Asks with the example as it stands, and holds the answer against the document.
    async fn tries(&self, api: &Api, id: &str, path: &str, status: u16) -> Answer {
        let (method, template, operation) = &self.operations[id];
        let template: Vec<&str> = template.split('/').collect();
        let parts = path.split('?').next().unwrap().split('/');
        assert_eq!(parts.clone().count(), template.len(), "{id}: {path} is not {template:?}");
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let mut request = api.request(method, path);
        if let Some(content) = operation["requestBody"]["content"].get("application/json") {
            request = request.json(&content["example"]);
        }
        let answer = api.send(request).await;
        assert_eq!(answer.status, status, "{id}: {}", answer.body);
        let response = resolved(self.document, &operation["responses"][status.to_string()]);
        let content = &response["content"]["application/json"];
        if !content.is_null() {
            assert_eq!(fault(self.document, &content["schema"], &answer.body, id), None);
        }
        answer
    }

    /// Creates something with the example, and changes it with that of its update.
    async fn makes_and_updates(&self, api: &Api, what: &str, path: &str) {
        let made = self.tries(api, &format!("create_{what}"), path, 201).await.text("id");
        self.tries(api, &format!("update_{what}"), &format!("{path}/{made}"), 200).await;
    }

    async fn reads(&self, api: &Api, id: &str) {
        let mut path = self.operations[id].1.clone();
        for (name, value) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        assert!(!path.contains('{'), "{id}: {path}");
        self.tries(api, id, &path, 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_work_as_they_stand_and_answers_are_as_described() {
    let home = Home::sqlite().await;
    let model = replyx_testkit::openai::FakeOpenAi::start().await;
    let program = with_model(home.launch(), &model).start().await;
    let document = document().await;
    let all = operations(&document);
    let mut visitor = Visitor { document: &document, operations: all, ids: BTreeMap::new() };
    let stranger = Api::new(program.base());

    // The same words that the docs page shows: register, then sign in with what was registered.
    let registered = visitor.tries(&stranger, "register_user", "/api/v1/auth/register", 201).await;
    assert_eq!(registered.body["user"]["email"], EMAIL);
    let login = visitor.tries(&stranger, "login_user", "/api/v1/auth/login", 200).await;
    let owner = stranger.with_token(login.text("access_token"));
    let made = visitor.tries(&owner, "create_assistant", "/api/v1/assistants", 201).await;
    assert_eq!(made.body["check_answers"], true, "an example turns nothing off");
    let id = made.text("id");
    let at = |rest: &str| format!("/api/v1/assistants/{id}{rest}");
    let document_id = owner.knowledge(&id, "returns.en.md", &sample("returns.en.md")).await;
    visitor.tries(&owner, "update_assistant", &at(""), 200).await;
    visitor.tries(&owner, "search_assistant", &at("/search"), 200).await;
    visitor.tries(&owner, "publish_assistant", &at("/publish"), 201).await;
    visitor.tries(&owner, "roll_back_assistant", &at("/rollback"), 200).await;
    let pair = visitor.tries(&owner, "create_answer", &at("/answers"), 201).await.text("id");
    visitor.tries(&owner, "update_answer", &at(&format!("/answers/{pair}")), 200).await;
    let set = visitor.tries(&owner, "create_question_set", &at("/question-sets"), 201).await;
    let set = format!("/api/v1/question-sets/{}", set.text("id"));
    visitor.tries(&owner, "update_question_set", &set, 200).await;
    visitor.tries(&owner, "start_evaluation_run", &format!("{set}/runs"), 202).await;
    visitor.makes_and_updates(&owner, "tag", "/api/v1/tags").await;
    visitor.makes_and_updates(&owner, "canned_reply", "/api/v1/canned-replies").await;
    visitor.tries(&owner, "create_workspace", "/api/v1/workspaces", 201).await;
    visitor.tries(&owner, "update_workspace", "/api/v1/workspace", 200).await;
    visitor.tries(&owner, "create_invitation", "/api/v1/invitations", 201).await;
    visitor.makes_and_updates(&owner, "api_key", "/api/v1/api-keys").await;
    visitor.tries(&owner, "update_me", "/api/v1/me", 200).await;

    visitor.ids.insert("id", id.clone());
    for id in [
        "read_me",
        "list_sessions",
        "list_workspaces",
        "read_workspace",
        "list_members",
        "list_invitations",
        "list_api_keys",
        "list_audit",
        "list_assistants",
        "read_assistant",
        "list_assistant_versions",
        "read_assistant_stats",
        "list_answers",
        "list_documents",
        "list_sources",
        "list_bots",
        "list_dialogs",
        "list_tags",
        "list_canned_replies",
        "list_question_sets",
        "export_me",
        "list_templates",
        "read_usage",
        "read_second_factor",
    ] {
        visitor.reads(&owner, id).await;
    }
    visitor.ids.insert("id", document_id);
    visitor.reads(&owner, "read_document").await;

    admin(&home, "root@example.org").await;
    let root = stranger.login("root@example.org", PASSWORD).await;
    visitor.tries(&root, "set_setting", "/api/v1/admin/settings/session_days", 200).await;
    visitor.tries(&root, "set_model_provider", "/api/v1/admin/model-providers/ollama", 200).await;
    visitor.tries(&root, "create_model_key", "/api/v1/admin/model-keys", 201).await;
    for id in [
        "list_settings",
        "list_model_providers",
        "list_model_keys",
        "list_users",
        "list_all_workspaces",
        "list_platform_audit",
    ] {
        visitor.reads(&root, id).await;
    }
}
