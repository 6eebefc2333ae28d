//! A channel is named in its own rooms only: whoever adds one writes an implementation and touches
//! no use case.

use crate::assert_none;
use crate::code::without_comment;
use crate::workspace::{Source, Workspace};

/// Each channel that code could name.
const CHANNELS: &[&str] = &["telegram"];

/// How code names a kind of channel: the words of `ChannelKind` are for its rooms, everybody else
/// has a channel with a kind.
const KIND: &str = "channelkind::";

/// Where a channel is at home: its client, its receiver and use cases, its tables, its fake, its
/// settings and its part of the public API.
const ROOMS: &[&str] = &[
    "crates/channels/",
    "crates/fleet/",
    "crates/testkit/",
    // Its word in the list of kinds, and its row.
    "crates/core/src/channel.rs",
    "crates/core/src/bot.rs",
    "crates/core/src/fixtures",
    // What the logs say of it.
    "crates/core/src/rules/channel.rs",
    "crates/core/src/event/examples.rs",
    "crates/storage/src/bots",
    "crates/storage/src/channels",
    // What is sent is joined with the secret of its channel.
    "crates/storage/src/outbox",
    "crates/storage/src/sealed",
    // Its operations, and the document that describes them.
    "crates/api/src/bots",
    "crates/api/src/hooks",
    "crates/api/src/openapi",
    "crates/api/src/router/routes.rs",
    "crates/server/src/cli/doctor",
    "crates/server/src/config",
    // The names that dashboards rely on.
    "crates/server/src/telemetry/families.rs",
    // The demo talks through a fake Telegram.
    "crates/demo/",
];

fn faults(workspace: &Workspace, rooms: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = Vec::new();

    for (_, source) in workspace.sources() {
        let path = source.path.to_string_lossy();
        let mut named = named(source).peekable();
        if let Some(room) = rooms.iter().find(|room| path.starts_with(**room)) {
            used.extend(named.peek().map(|_| *room));
            continue;
        }
        faults.extend(named.map(|(name, number)| format!("{path}:{number} names `{name}`")));
    }

    for room in rooms.iter().filter(|room| !used.contains(room)) {
        faults.push(format!("`{room}` names no channel; remove it from the list"));
    }
    faults
}

/// The channels and kinds that code names, with the lines.
fn named(source: &Source) -> impl Iterator<Item = (String, usize)> {
    source.production_lines().filter_map(|(number, line)| {
        let code = without_comment(line);
        let lower = code.to_lowercase();
        let channel = CHANNELS.iter().find(|channel| lower.contains(**channel));
        Some((
            channel.map_or_else(|| kind_in(code), |channel| Some((*channel).to_owned()))?,
            number,
        ))
    })
}

/// The kind of channel that a line names: a variant, as opposed to a function of the type.
fn kind_in(code: &str) -> Option<String> {
    let at = code.to_lowercase().find(KIND)?;
    let name: String =
        code[at + KIND.len()..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let is_variant = name.starts_with(|c: char| c.is_ascii_uppercase()) && name != "ALL";
    is_variant.then(|| format!("ChannelKind::{name}"))
}

#[test]
fn no_channel_is_named_outside_its_rooms() {
    assert_none(&faults(&Workspace::read(), ROOMS));
}

#[test]
fn a_channel_in_a_use_case_is_a_fault_and_in_a_comment_or_a_test_it_is_not() {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "live");
    workspace.package("live").sources.push(Source {
        path: "crates/live/src/send.rs".into(),
        text: "// As Telegram does.\n\
               fn send(kind: ChannelKind) {\n    if kind == ChannelKind::Telegram {}\n}\n\
               fn is_ours(kind: ChannelKind) -> bool {\n    kind == ChannelKind::Api\n}\n\
               fn name(kind: ChannelKind) {\n    ChannelKind::as_str(kind);\n}\n\
               #[cfg(test)]\nmod tests {\n    use telegram::Bot;\n}\n"
            .to_owned(),
    });
    let expected = [
        "crates/live/src/send.rs:3 names `telegram`",
        "crates/live/src/send.rs:6 names `ChannelKind::Api`",
    ];
    assert_eq!(faults(&workspace, &[]), expected);
}

#[test]
fn a_room_that_names_none_is_a_fault() {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "e5");
    let found = faults(&workspace, &["crates/e5/"]);
    assert_eq!(found, ["`crates/e5/` names no channel; remove it from the list"]);
}
