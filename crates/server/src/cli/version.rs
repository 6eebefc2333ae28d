//! `replyx --version`: the version, the commit that it was built from, and how.

use std::sync::LazyLock;

/// What `make run` and `make dist` say of the source; a build by hand says nothing.
const COMMIT: Option<&str> = option_env!("REPLYX_COMMIT");

static TOLD: LazyLock<String> = LazyLock::new(|| {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let demo = if cfg!(feature = "demo") { ", with the demo" } else { "" };
    let commit = match COMMIT {
        Some(commit) if !commit.is_empty() => format!("commit {commit}"),
        _ => "unknown commit".to_owned(),
    };
    format!("{} ({commit}, {build} build{demo})", env!("CARGO_PKG_VERSION"))
});

/// The version for people.
pub fn told() -> &'static str {
    &TOLD
}
