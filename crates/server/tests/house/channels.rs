//! A channel is named in its own rooms only: whoever adds one writes an implementation and touches
//! no use case.

use crate::assert_none;
use crate::code::without_comment;
use crate::workspace::{Source, Workspace};

/// Each channel that code could name.
const CHANNELS: &[&str] = &["telegram"];

/// Where a channel is at home: its client, its receiver, its tables, its fake, its settings and its
/// part of the public API.
const ROOMS: &[&str] = &[
    "crates/channels/",
    "crates/fleet/",
    "crates/testkit/",
    "crates/storage/src/bots",
    "crates/storage/src/channels",
    // What is sent is joined with the secret of its channel.
    "crates/storage/src/outbox",
    "crates/storage/src/installation",
    "crates/api/src/bots",
    "crates/api/src/hooks",
    "crates/api/src/openapi",
    "crates/api/src/router/routes.rs",
    "crates/server/src/cli/doctor",
    "crates/server/src/config",
    // The demo talks through a fake Telegram.
    "crates/demo/",
];

/// Where a channel is named but should not be.
///
/// The list may only get shorter: a place that names none is a fault, too.
const TOLERATED: &[&str] = &["crates/api/", "crates/core/", "crates/server/"];

fn faults(workspace: &Workspace, tolerated: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = Vec::new();

    for (_, source) in workspace.sources() {
        let path = source.path.to_string_lossy();
        if ROOMS.iter().any(|room| path.starts_with(room)) {
            continue;
        }
        for (channel, number) in named(source) {
            match tolerated.iter().find(|place| path.starts_with(**place)) {
                Some(place) => used.push(*place),
                None => faults.push(format!("{path}:{number} names `{channel}`")),
            }
        }
    }

    for place in tolerated.iter().filter(|place| !used.contains(place)) {
        faults.push(format!("`{place}` names no channel; remove it from the list"));
    }
    faults
}

fn named(source: &Source) -> impl Iterator<Item = (&'static str, usize)> {
    source.production_lines().filter_map(|(number, line)| {
        let code = without_comment(line).to_lowercase();
        let channel = CHANNELS.iter().find(|channel| code.contains(**channel))?;
        Some((*channel, number))
    })
}

#[test]
fn no_channel_is_named_outside_its_rooms() {
    assert_none(&faults(&Workspace::read(), TOLERATED));
}

#[test]
fn a_channel_in_a_use_case_is_a_fault_and_in_a_comment_or_a_test_it_is_not() {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "live");
    workspace.package("live").sources.push(Source {
        path: "crates/live/src/send.rs".into(),
        text: "// As Telegram does.\n\
               fn send(kind: ChannelKind) {\n    if kind == ChannelKind::Telegram {}\n}\n\
               #[cfg(test)]\nmod tests {\n    use telegram::Bot;\n}\n"
            .to_owned(),
    });
    assert_eq!(faults(&workspace, &[]), ["crates/live/src/send.rs:3 names `telegram`"]);
}

#[test]
fn a_place_on_the_list_that_names_none_is_a_fault() {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "e5");
    let found = faults(&workspace, &["crates/e5/"]);
    assert_eq!(found, ["`crates/e5/` names no channel; remove it from the list"]);
}
