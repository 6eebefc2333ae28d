//! What the program says of its API, and the page that shows it.

use std::{collections::BTreeSet, path::Path};

use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    coverage::Gate,
    harness::{Home, REPLYX},
};

/// An operation with what the document says of it.
struct Described {
    path: String,
    method: String,
    operation: Value,
}

fn described(document: &Value) -> Vec<Described> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.clone();
            let method = method.clone();
            all.push(Described { path, method, operation: operation.clone() });
        }
    }
    assert!(all.len() > 50, "{}", all.len());
    all
}

async fn document() -> Value {
    let output = tokio::process::Command::new(REPLYX).arg("openapi").output().await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a reference leads to, or the value itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(path) => document
            .pointer(path.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{path} leads nowhere")),
        None => value,
    }
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_shows_an_example() {
    let document = document().await;
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for Described { path, method, operation } in described(&document) {
        let about = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{about}: no id"));
        assert!(ids.insert(id.to_owned()), "{about}: `{id}` is taken");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(summary.ends_with('.') && !summary.contains(". "), "{about}: {summary}");
        assert!(operation["description"].as_str().is_some_and(|text| !text.is_empty()), "{about}");
        for tag in operation["tags"].as_array().unwrap() {
            assert!(tags.contains(tag.as_str().unwrap()), "{about}: {tag} is not described");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = resolved(&document, parameter);
            assert!(parameter["description"].is_string(), "{about}: {parameter}");
        }
        let bodies = operation["responses"].as_object().unwrap().values();
        for body in bodies.chain(operation.get("requestBody")) {
            let body = resolved(&document, body);
            for (kind, content) in body["content"].as_object().into_iter().flatten() {
                let shown = content.get("example").or_else(|| content.get("examples"));
                let empty = [json!({}), Value::Null, json!("")];
                assert!(
                    shown.is_some_and(|shown| !empty.contains(shown)),
                    "{about}: {kind} {content}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_an_operation_needs_is_what_it_says() {
    let document = document().await;
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    for Described { path, method, operation } in described(&document) {
        let about = format!("{method} {path}");
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{about}"));
        for (scheme, _) in security.iter().flat_map(|ways| ways.as_object().unwrap()) {
            assert!(schemes.contains_key(scheme), "{about}: `{scheme}` is not defined");
        }
        let needed = security.first().map(|way| way["bearer"].clone());
        let by_key = security.iter().any(|way| way.get("apiKey").is_some());
        let by_cookie = security.iter().find(|way| way.get("cookie").is_some());
        let (expected, keys) = match Gate::of(&operation) {
            Gate::Public => (None, false),
            Gate::Account => (Some(json!([])), false),
            Gate::Admin => (Some(json!(["admin"])), false),
            Gate::Member(permission) => {
                (Some(json!([permission.as_str()])), !permission.needs_person())
            }
        };
        assert_eq!((needed, by_key), (expected.clone(), keys), "{about}");
        assert_eq!(by_cookie.is_some(), expected.is_some(), "{about}");
        let proves = by_cookie.is_some_and(|way| way.get("csrf").is_some());
        assert_eq!(proves, expected.is_some() && method != "get", "{about}");
    }
}

#[tokio::test]
async fn every_operation_names_the_problems_it_can_answer_with() {
    let document = document().await;
    let examples = document["components"]["examples"].as_object().unwrap();
    let status_of = |code: &str| examples[code]["value"]["status"].as_u64().unwrap().to_string();
    for Described { path, method, operation } in described(&document) {
        let about = format!("{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        let mut expected = vec!["503"];
        let secured = !operation["security"].as_array().unwrap().is_empty();
        if path.starts_with("/api/v1/") {
            expected.extend(["400", "429", "500"]);
            if operation.get("requestBody").is_some() {
                expected.extend(["413", "415", "422"]);
            }
            let parameters = operation["parameters"].to_string();
            if parameters.contains("IdempotencyKey") {
                expected.extend(["409", "422"]);
            }
        }
        if secured {
            expected.extend(["401", "403"]);
        }
        if path.contains('{') {
            expected.push("404");
        }
        for status in expected {
            assert!(responses.contains_key(status), "{about}: {status}");
        }
        for (status, response) in responses {
            let response = resolved(&document, response);
            let Some(content) = response["content"].get("application/problem+json") else {
                let is_error = status.starts_with(['4', '5']);
                assert!(!is_error, "{about}: {status} is no problem");
                continue;
            };
            for code in content["examples"].as_object().unwrap().keys() {
                assert_eq!(status_of(code), *status, "{about}: `{code}`");
            }
        }
    }
}

/// A code that stands in a handler and not in the table is found here.
#[tokio::test]
async fn every_code_of_the_program_is_in_the_table() {
    let document = document().await;
    let known = document["components"]["examples"].as_object().unwrap();
    let table = document["info"]["description"].as_str().unwrap();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![crates.join("api/src"), crates.join("accounts/src")];
    let mut codes = BTreeSet::new();
    let mut sources = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("src/openapi") {
                    folders.push(path);
                }
                continue;
            }
            // The script of the pages behind mail links has codes of its own.
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let named = source.split("code: \"").skip(1).filter_map(|rest| rest.split('"').next());
            codes.extend(named.map(str::to_owned));
            sources.push_str(&source);
        }
    }
    assert!(codes.len() > 15, "{codes:?}");
    let known: BTreeSet<&str> =
        known.values().map(|example| example["value"]["code"].as_str().unwrap()).collect();
    for code in &codes {
        assert!(known.contains(&**code), "`{code}` is missing in openapi/problems.rs");
        assert!(table.contains(&format!("`{code}`")), "`{code}`");
    }
    for code in known {
        assert!(sources.contains(&format!("\"{code}\"")), "`{code}` is used nowhere");
    }
}

#[tokio::test]
async fn the_roles_of_the_document_are_those_of_the_program() {
    let document = document().await;
    let text = document["info"]["description"].as_str().unwrap();
    for line in [
        "| permission | allows to | owner | admin | operator | viewer |",
        "| `members:write` | invite, change, suspend and remove members | yes | yes | | |",
        "| `owners:write` | appoint and remove owners | yes | | | |",
        "| `dialogs:write` | answer customers | yes | yes | yes | |",
        "| `dialogs:read` | read conversations with customers | yes | yes | yes | yes |",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_served_document_is_the_committed_one() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let served = Api::new(program.base()).get("/api/openapi.json").await.expect(200).body;
    let committed = include_str!("../../../../openapi.json");
    let committed: Value = serde_json::from_str(committed).unwrap();
    assert!(served == committed, "they differ: `make openapi` writes it anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_works_offline_and_runs_no_inline_scripts() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    let (page, text) = load(&api, "/api/docs/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let scripts = policy.split(';').find(|rule| rule.trim().starts_with("script-src")).unwrap();
    assert_eq!(scripts.trim(), "script-src 'self'", "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");

    let mut loaded = 0;
    for attribute in
        text.split(['<', '>']).filter(|tag| tag.starts_with("script") || tag.starts_with("link"))
    {
        let from = attribute.split("src=\"").nth(1).or_else(|| attribute.split("href=\"").nth(1));
        let from = from.and_then(|rest| rest.split('"').next());
        let from = from.unwrap_or_else(|| panic!("an inline script: {attribute}"));
        assert!(!from.contains("//"), "`{from}` is elsewhere");
        let (file, _) = load(&api, &format!("/api/docs/{}", from.trim_start_matches("./"))).await;
        assert_eq!(file.headers["x-content-type-options"], "nosniff");
        loaded += 1;
    }
    assert!(loaded >= 5, "{text}");
    assert!(!text.contains(" onload=") && !text.contains("javascript:"), "{text}");
    let (_, start) = load(&api, "/api/docs/swagger-initializer.js").await;
    assert!(start.contains("\"/api/openapi.json\"") && start.contains("\"none\""), "{start}");
    // Without the slash relative addresses would lead elsewhere.
    let short = api.get("/api/docs").await.expect(303);
    assert_eq!(short.headers["location"], "/api/docs/");
    for odd in ["/api/docs/nothing.js", "/api/docs/../../etc/passwd", "/api/docs/%2e%2e%2fx"] {
        api.get(odd).await.expect(404);
    }
}

async fn load(api: &Api, path: &str) -> (Answer, String) {
    let response = api.request(Method::GET, path).send().await.unwrap();
    let status = response.status();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap_or_default();
    (Answer { status, headers, body: Value::Null }.expect(200), text)
}
