//! Who may import whom, and which library has one owner.

use std::collections::BTreeMap;

use crate::assert_none;
use crate::workspace::{Dependency, Source, Workspace};

/// Each crate and the crates it may import, from the bottom up.
const LAYERS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("text", &[]),
    ("e5", &[]),
    ("testkit-macros", &[]),
    ("storage-macros", &[]),
    // Its feature `testing` alone imports `testkit-macros`.
    ("storage", &["core", "files", "storage-macros", "testkit-macros"]),
    ("files", &["core", "tls"]),
    ("terminal", &[]),
    ("web", &[]),
    ("tls", &[]),
    ("live", &["core"]),
    ("grounding", &["text"]),
    ("acts", &["core", "text"]),
    ("extractive", &["text"]),
    ("llm", &["core", "tls", "live", "e5", "extractive"]),
    ("channels", &["core", "tls"]),
    ("extract", &["core"]),
    ("crawl", &["core", "tls", "live", "extract"]),
    ("testkit", &["core"]),
    ("knowledge", &["core", "text", "storage", "live", "llm", "extract", "extractive", "crawl"]),
    (
        "engine",
        &[
            "core",
            "text",
            "acts",
            "storage",
            "live",
            "llm",
            "channels",
            "grounding",
            "knowledge",
            "billing",
        ],
    ),
    ("accounts", &["core", "storage", "live", "billing"]),
    ("backup", &["core", "files", "storage"]),
    ("billing", &["core", "storage"]),
    ("fleet", &["core", "storage", "live", "channels", "accounts", "engine"]),
    ("assistants", &["core", "storage", "llm", "extract", "crawl", "knowledge"]),
    (
        "api",
        &[
            "core",
            "storage",
            "live",
            "channels",
            "crawl",
            "accounts",
            "billing",
            "knowledge",
            "assistants",
            "engine",
            "fleet",
            "web",
        ],
    ),
    (
        "jobs",
        &["core", "storage", "channels", "crawl", "accounts", "billing", "knowledge", "engine"],
    ),
    ("demo", &["terminal", "testkit"]),
    (
        "server",
        &[
            "core",
            "terminal",
            "files",
            "tls",
            "storage",
            "live",
            "llm",
            "channels",
            "extract",
            "crawl",
            "accounts",
            "backup",
            "billing",
            "knowledge",
            "assistants",
            "engine",
            "fleet",
            "api",
            "jobs",
            "demo",
        ],
    ),
];

/// Each library that not everybody may use, and its owners. Its relatives (`axum-extra`) belong to
/// the same.
const OWNED: &[(&str, &[&str])] = &[
    ("rust-stemmers", &["text"]),
    ("age", &["backup"]),
    ("zstd", &["backup"]),
    ("sqlx", &["storage"]),
    ("rusqlite", &["storage"]),
    ("redis", &["live"]),
    ("calamine", &["extract"]),
    ("chardetng", &["extract"]),
    ("csv", &["extract"]),
    ("ego-tree", &["extract"]),
    ("hayro-font", &["extract"]),
    ("hayro-interpret", &["extract"]),
    ("mail-parser", &["extract"]),
    ("scraper", &["extract"]),
    ("zip", &["extract"]),
    // What confines the child that reads files.
    ("landlock", &["extract"]),
    ("nix", &["extract"]),
    ("rlimit", &["extract"]),
    ("seccompiler", &["extract"]),
    // A page's links are read before its text.
    ("encoding_rs", &["extract", "crawl"]),
    // A store of files answers in XML.
    ("quick-xml", &["extract", "crawl", "files"]),
    ("texting_robots", &["crawl"]),
    // Telegram's markup is made from the same Markdown that documents are written in.
    ("pulldown-cmark", &["knowledge", "channels"]),
    ("whatlang", &["knowledge"]),
    ("rustls-platform-verifier", &["tls"]),
    ("tiktoken-rs", &["llm"]),
    ("lettre", &["channels"]),
    ("minijinja", &["channels"]),
    ("argon2", &["accounts"]),
    ("jsonwebtoken", &["accounts"]),
    // The fake servers are servers, and the program listens.
    ("axum", &["api", "server", "testkit"]),
    // The words of the product say their own schema.
    ("utoipa", &["api", "core"]),
    ("clap", &["server"]),
    ("tracing-subscriber", &["server"]),
    ("anyhow", &["server", "demo"]),
];

/// What breaks the two tables above.
fn faults(workspace: &Workspace) -> Vec<String> {
    let layers: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut faults = Vec::new();
    for package in &workspace.packages {
        let name = package.short_name();
        let Some(allowed) = layers.get(name) else {
            faults.push(format!("`{name}` has no place in the layers"));
            continue;
        };
        for dependency in package.production_dependencies() {
            if let Some(other) = dependency.strip_prefix("replyx-")
                && !allowed.contains(&other)
            {
                faults.push(format!("`{name}` may not import `{other}`"));
            }
            if let Some((_, owners)) = owned(dependency)
                && !owners.contains(&name)
            {
                faults.push(format!(
                    "`{name}` may not use `{dependency}`, which belongs to {}",
                    owners.join(" and ")
                ));
            }
        }
    }
    for (name, source) in workspace.sources() {
        for (number, line) in source.production_lines() {
            for (library, owners) in OWNED {
                let place = || format!("{}:{number}", source.path.display());
                if hands_on(line, library) {
                    faults.push(format!("{}: `{name}` hands `{library}` on", place()));
                } else if !owners.contains(&name) && names(line, library) {
                    faults.push(format!("{}: `{name}` may not use `{library}`", place()));
                }
            }
        }
    }
    faults
}

fn owned(dependency: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    OWNED.iter().find(|(library, _)| {
        dependency
            .strip_prefix(library)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    })
}

/// Whether the line makes the library reachable for others.
fn hands_on(line: &str, library: &str) -> bool {
    let library = library.replace('-', "_");
    line.trim_start()
        .strip_prefix("pub use ")
        .or_else(|| line.trim_start().strip_prefix("pub extern crate "))
        .is_some_and(|path| {
            path.strip_prefix(&*library).is_some_and(|rest| rest.starts_with([':', ';', ' ']))
        })
}

/// Whether a path in the line begins with the library: `redis::Client`, not
/// `replyx_live::redis::Bus`.
fn names(line: &str, library: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let path = format!("{}::", library.replace('-', "_"));
    code.match_indices(&path).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
    })
}

fn normal(name: &str) -> Dependency {
    Dependency { name: name.to_owned(), kind: None }
}

fn source(text: &str) -> Source {
    Source { path: "crates/some/src/file.rs".into(), text: text.to_owned() }
}

#[test]
fn every_crate_imports_only_what_it_may() {
    assert_none(&faults(&Workspace::read()));
}

#[test]
fn sqlx_in_api_is_a_fault_that_names_both() {
    let mut workspace = Workspace::read();
    workspace.package("api").dependencies.push(normal("sqlx"));
    assert_eq!(faults(&workspace), ["`api` may not use `sqlx`, which belongs to storage"]);
}

#[test]
fn a_relative_of_an_owned_library_is_owned_too() {
    let mut workspace = Workspace::read();
    workspace.package("engine").dependencies.push(normal("axum-extra"));
    assert_eq!(
        faults(&workspace),
        ["`engine` may not use `axum-extra`, which belongs to api and server and testkit"]
    );
}

#[test]
fn an_import_of_a_higher_or_a_neighbouring_crate_is_a_fault() {
    let mut workspace = Workspace::read();
    workspace.package("storage").dependencies.push(normal("replyx-engine"));
    workspace.package("api").dependencies.push(normal("replyx-llm"));
    let mut found = faults(&workspace);
    found.sort();
    assert_eq!(found, ["`api` may not import `llm`", "`storage` may not import `engine`"]);
}

#[test]
fn a_build_dependency_counts_and_a_dev_dependency_does_not() {
    let mut workspace = Workspace::read();
    let of_kind = |kind: &str| Dependency { kind: Some(kind.to_owned()), ..normal("sqlx") };
    workspace.package("core").dependencies.push(of_kind("dev"));
    assert_none(&faults(&workspace));
    workspace.package("core").dependencies.push(of_kind("build"));
    assert_eq!(faults(&workspace), ["`core` may not use `sqlx`, which belongs to storage"]);
}

#[test]
fn a_crate_that_the_table_does_not_know_is_a_fault() {
    let mut workspace = Workspace::read();
    "replyx-misc".clone_into(&mut workspace.package("llm").name);
    assert!(faults(&workspace).contains(&"`misc` has no place in the layers".to_owned()));
}

#[test]
fn a_library_that_its_owner_hands_on_is_a_fault() {
    let mut workspace = Workspace::read();
    workspace.package("storage").sources.push(source("//! Docs.\npub use sqlx::SqlitePool;\n"));
    assert_eq!(faults(&workspace), ["crates/some/src/file.rs:2: `storage` hands `sqlx` on"]);
}

#[test]
fn a_path_into_an_owned_library_is_a_fault_outside_tests_only() {
    let mut workspace = Workspace::read();
    workspace.package("api").sources.push(source(
        "use replyx_live::redis::Bus;\n\
         // redis::Client would be wrong here\n\
         #[cfg(test)]\nmod tests {\n    use redis::Client;\n}\n\
         fn open() -> redis::Client {}\n",
    ));
    assert_eq!(faults(&workspace), ["crates/some/src/file.rs:7: `api` may not use `redis`"]);
}
