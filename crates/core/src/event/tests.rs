use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::{knowledge::WarningCode, shape::Shape};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// The stored form of every event: readers of old logs rely on it.
fn stored() -> Vec<Value> {
    let mut stored = stored_of_operators();
    stored.extend([
        json!({"type": "dialog.opened", "dialog_id": ID, "contact_id": ID, "assistant_id": ID}),
        json!({"type": "dialog.control", "dialog_id": ID, "control": "human", "epoch": 2}),
        json!({
            "type": "dialog.control", "dialog_id": ID, "control": "waiting", "epoch": 2,
            "step": "hand_off", "seq": 3, "reason": "asked",
        }),
        json!({
            "type": "dialog.control", "dialog_id": ID, "control": "human", "epoch": 3,
            "step": "take_over", "seq": 4, "assignee_id": ID,
        }),
        json!({
            "type": "dialog.control", "dialog_id": ID, "control": "human", "epoch": 3,
            "step": "assign", "seq": 4, "assignee_id": ID, "assigned_by": "round_robin",
        }),
        json!({"type": "message.stored", "dialog_id": ID, "message_id": ID, "seq": 1, "author": "customer"}),
        json!({"type": "note.stored", "dialog_id": ID, "message_id": ID, "seq": 1}),
        json!({
            "type": "note.stored", "dialog_id": ID, "message_id": ID, "seq": 1, "author_id": ID,
            "mentions": [ID],
        }),
        json!({"type": "turn.started", "dialog_id": ID, "seq": 1, "attempt": 1}),
        json!({"type": "reply.settled", "dialog_id": ID, "message_id": ID, "seq": 2, "outcome": "answered"}),
        json!({"type": "turn.discarded", "dialog_id": ID, "epoch": 2}),
        json!({"type": "turn.limited", "dialog_id": ID, "seq": 1, "bound": "day"}),
        json!({"type": "turn.limited", "dialog_id": ID, "seq": 1, "bound": "rate"}),
        json!({"type": "message.delivered", "dialog_id": ID, "message_id": ID, "uncertain": 0}),
        json!({"type": "message.edited", "dialog_id": ID, "message_id": ID, "seq": 1}),
        json!({"type": "message.act_corrected", "dialog_id": ID, "message_id": ID, "act": "thanks"}),
        json!({"type": "message.failed", "dialog_id": ID, "message_id": ID, "error": "gone"}),
        json!({"type": "message.retried", "dialog_id": ID, "message_id": ID}),
        json!({"type": "message.canceled", "dialog_id": ID, "message_id": ID}),
        json!({
            "type": "attachment.status", "dialog_id": ID, "message_id": ID, "attachment_id": ID,
            "status": "too_large",
        }),
        json!({"type": "operator.presence", "user_id": ID, "state": "away"}),
        json!({
            "type": "dialog.sla", "dialog_id": ID, "awaited": "first", "status": "broken",
        }),
        json!({"type": "contact.blocked", "contact_id": ID, "blocked": true}),
        json!({
            "type": "document.status", "document_id": ID, "assistants": [ID], "status": "failed",
            "passages": 0, "embedded": 0, "error": "the file is empty",
        }),
        json!({
            "type": "document.status", "document_id": ID, "assistants": [], "status": "ready",
            "passages": 2, "embedded": 1,
            "warnings": [{
                "code": WarningCode::ALL[0].as_str(), "count": 1, "pages": [2], "names": ["x"],
                "detail": "page 2 has no text",
            }],
        }),
        json!({"type": "document.deleted", "document_id": ID, "assistants": [ID]}),
        json!({
            "type": "source.status", "source_id": ID, "assistant_id": ID, "status": "ready",
            "pages": 3,
        }),
        json!({"type": "source.deleted", "source_id": ID, "assistant_id": ID}),
        json!({"type": "assistant.published", "assistant_id": ID, "number": 2}),
        json!({"type": "assistant.paused", "assistant_id": ID, "paused": true}),
        json!({
            "type": "evaluation.status", "run_id": ID, "assistant_id": ID, "status": "done",
            "done": 5, "total": 5,
        }),
        json!({"type": "bot.status", "bot_id": ID, "status": "running"}),
        json!({"type": "bot.status", "bot_id": ID, "status": "failed", "error": "revoked"}),
        json!({"type": "bot.deleted", "bot_id": ID}),
        json!({"type": "channel.status", "channel_id": ID, "kind": "api", "status": "running"}),
        json!({
            "type": "channel.status", "channel_id": ID, "kind": "api", "status": "failed",
            "error": "gone",
        }),
        json!({"type": "channel.deleted", "channel_id": ID}),
    ]);
    stored
}

/// The same, of what operators sort dialogs and answer with.
fn stored_of_operators() -> Vec<Value> {
    vec![
        json!({"type": "dialog.tagged", "dialog_id": ID, "tags": [ID]}),
        json!({"type": "dialog.snoozed", "dialog_id": ID, "until": "2027-03-14T09:00:00Z"}),
        json!({"type": "dialog.returned", "dialog_id": ID, "because": "customer"}),
        json!({"type": "tag.saved", "tag_id": ID}),
        json!({"type": "tag.deleted", "tag_id": ID}),
        json!({"type": "canned_reply.saved", "canned_reply_id": ID}),
        json!({"type": "canned_reply.deleted", "canned_reply_id": ID}),
    ]
}

fn read(stored: &Value) -> Event {
    serde_json::from_value(stored.clone()).unwrap_or_else(|error| panic!("{stored}: {error}"))
}

#[test]
fn the_stored_form_of_every_kind_is_stable() {
    for form in stored() {
        let event = read(&form);
        assert_eq!(serde_json::to_value(&event).unwrap(), form);
        assert_eq!(form["type"], event.name());
    }
    let tested: BTreeSet<String> =
        stored().iter().map(|form| read(form).name().to_owned()).collect();
    let known: BTreeSet<String> = Event::KINDS.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(tested, known);
}

/// Does a value have a form?
fn fits(value: &Value, shape: Shape) -> bool {
    match shape {
        Shape::Id => value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok()),
        Shape::Integer => value.is_i64(),
        Shape::Boolean => value.is_boolean(),
        Shape::Text => value.is_string(),
        Shape::Time => value.as_str().is_some_and(|text| text.parse::<DateTime<Utc>>().is_ok()),
        Shape::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Shape::List(items) => {
            value.as_array().is_some_and(|values| values.iter().all(|value| fits(value, *items)))
        }
        Shape::Object(fields) => has_fields(value, fields, &[]),
    }
}

/// Does an object have these fields and those, all that must be there, and no others?
fn has_fields(value: &Value, fields: &[Field], others: &[&str]) -> bool {
    let Some(object) = value.as_object() else { return false };
    let known =
        |name: &str| others.contains(&name) || fields.iter().any(|field| field.name == name);
    let there = |field: &Field| match object.get(field.name) {
        Some(value) => fits(value, field.shape),
        None => field.presence == Presence::Sometimes,
    };
    object.keys().all(|name| known(name)) && fields.iter().all(there)
}

#[test]
fn every_kind_is_described_as_it_is_written_and_has_an_example() {
    let examples = Recorded::examples();
    let names: Vec<&str> = examples.iter().map(|example| example.event.name()).collect();
    let kinds: Vec<&str> = Event::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names, kinds);

    let forms = stored();
    for kind in Event::KINDS {
        let example = examples.iter().find(|example| example.event.name() == kind.name).unwrap();
        let shown = serde_json::to_value(example).unwrap();
        assert!(has_fields(&shown, kind.fields, &["id", "at", "version", "type"]), "{shown}");
        for form in forms.iter().filter(|form| form["type"] == kind.name) {
            assert!(has_fields(form, kind.fields, &["type"]), "{form}");
        }
        assert!(!kind.doc.is_empty() && kind.fields.iter().all(|field| !field.doc.is_empty()));
    }
}

#[test]
fn what_was_said_is_quoted_and_not_stored() {
    let mut quoting = Vec::new();
    for example in Recorded::examples() {
        let bare = example.event.clone().quoting(None);
        let form = serde_json::to_value(&bare).unwrap();
        assert_eq!(form.get("text"), None);
        if let Some(message) = bare.quotes() {
            assert_eq!(bare.subject().message_id, Some(message));
            let shown = bare.clone().quoting(Some("Words".to_owned()));
            assert_eq!(serde_json::to_value(&shown).unwrap()["text"], "Words");
            quoting.push(bare.name());
        } else {
            assert_eq!(example.event, bare, "nothing of it was said");
        }
    }
    assert_eq!(quoting, ["message.stored", "reply.settled", "message.edited"]);

    // As it was stored before, with the words in it.
    let old = json!({
        "type": "message.stored", "dialog_id": ID, "message_id": ID, "seq": 1, "author": "customer",
        "text": "Words",
    });
    assert_eq!(serde_json::to_value(read(&old)).unwrap(), old);
}

#[test]
fn the_subject_is_what_the_fields_name() {
    for example in Recorded::examples() {
        let subject = example.event.subject();
        let form = serde_json::to_value(&example.event).unwrap();
        let text = |id: Option<String>| id.map_or(Value::Null, Value::from);
        assert_eq!(text(subject.dialog_id.map(|id| id.to_string())), form["dialog_id"]);
        assert_eq!(text(subject.message_id.map(|id| id.to_string())), form["message_id"]);
    }
}

#[test]
fn the_number_in_the_log_and_the_number_in_the_dialog_do_not_collide() {
    let event = Event::TurnStarted { dialog_id: ID.parse().unwrap(), seq: 2, attempt: 1 };
    let shown =
        serde_json::to_string(&Recorded { seq: 7, at: DateTime::UNIX_EPOCH, event }).unwrap();
    assert!(shown.starts_with(r#"{"id":7,"at":"1970-01-01T00:00:00Z","version":1,"#), "{shown}");
    assert_eq!(shown.matches("\"seq\":").count(), 1, "{shown}");
}

/// The list in `docs/api.md` is written by people, and says what this table says.
#[test]
fn the_list_of_events_in_the_docs_is_complete() {
    let docs = include_str!("../../../../docs/api.md");
    for kind in Event::KINDS {
        let fields: Vec<String> = kind
            .fields
            .iter()
            .map(|field| match field.presence {
                Presence::Always => format!("`{}`", field.name),
                Presence::Sometimes => format!("`{}`?", field.name),
            })
            .collect();
        let row = format!("| `{}` | {} | {} |", kind.name, kind.doc.trim(), fields.join(", "));
        assert!(docs.contains(&row), "docs/api.md lacks the line\n{row}");
    }
    let lists = |row: &&str| {
        Event::KINDS.iter().any(|kind| row.starts_with(&format!("| `{}` | ", kind.name)))
    };
    assert_eq!(docs.lines().filter(lists).count(), Event::KINDS.len(), "and lists nothing twice");
}
