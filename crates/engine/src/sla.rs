//! The times of replies that an owner has promised: clocks follow what is said, and promises that
//! come to be at risk or broken are told.
//!
//! [`sweep`] is run by the clock, by one process at a time. What was said in a dialog tells
//! everything: a clock is made of its messages, with the times at which they were written, so that
//! it does not matter when the sweep sees them.

use chrono::{DateTime, Utc};
use replyx_acts as acts;
use replyx_core::{
    dialog::ControlStep,
    hours::BusinessHours,
    ids::{DialogId, WorkspaceId},
    message::{Author, Message, MessageAct, MessageKind},
    page::PageRequest,
    sla::{DialogSla, Happened, RunningSla, Sla, SlaClock, SlaPolicy, Words},
};
use replyx_storage::{StorageError, Tx, retried};

use crate::Engine;

/// How many dialogs are looked for at once.
const BATCH: u32 = 200;
/// How many of the last messages of a dialog tell how its clock stands.
const MESSAGES: i64 = 1_000;

/// Brings the clocks of all dialogs up to date, and returns how many were looked at.
///
/// # Errors
///
/// Fails when the database does; what was done before stays.
pub async fn sweep(engine: &Engine) -> Result<usize, StorageError> {
    let mut done = 0;
    loop {
        let behind = engine.db.read().await?.system().slas().behind(BATCH).await?;
        for (workspace, dialog) in &behind {
            retried(|| follow(engine, *workspace, *dialog)).await?;
        }
        done += behind.len();
        if behind.len() < BATCH as usize {
            break;
        }
    }

    loop {
        let now = engine.clock.now();
        let due = engine.db.read().await?.system().slas().due(now, BATCH).await?;
        for (workspace, dialog) in &due {
            retried(|| move_on(engine, *workspace, *dialog)).await?;
        }
        done += due.len();
        if due.len() < BATCH as usize {
            return Ok(done);
        }
    }
}

/// Reads what was said in a dialog since its clock was looked at.
async fn follow(engine: &Engine, workspace: WorkspaceId, id: DialogId) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let Some(dialog) = tx.workspace(workspace).dialogs().lock(id).await? else { return Ok(()) };
    let policy = tx.workspace(workspace).slas().policy(dialog.assistant_id).await?;
    let published = tx.workspace(workspace).assistants().published(dialog.assistant_id).await?;
    let hours =
        published.map_or_else(BusinessHours::always, |version| version.settings.business_hours());
    let before = tx.workspace(workspace).slas().find(id).await?;

    let messages = messages(&mut tx, workspace, id, dialog.last_seq).await?;
    let mut clock = replay(&messages, &policy, &hours);
    let began = before.and_then(|before| before.running);
    if let (Some(clock), Some(began)) = (&mut clock, began)
        && clock.since == began.since
    {
        // Whatever the owner promises in the meantime.
        clock.target = began.target;
    }

    let stands = DialogSla {
        workspace_id: workspace,
        dialog_id: id,
        read_seq: dialog.last_seq,
        running: clock.map(|clock| RunningSla::of(&clock, &hours, now)),
    };
    tx.apply(stands.stand(before.as_ref(), now)).await?;
    tx.commit().await.map(drop)
}

/// Tells what has come of time alone.
async fn move_on(
    engine: &Engine,
    workspace: WorkspaceId,
    id: DialogId,
) -> Result<(), StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    let before = tx.workspace(workspace).slas().find(id).await?;
    let Some(before) = before else { return Ok(()) };
    let running = before.running.map(|running| running.at(now));
    tx.apply(DialogSla { running, ..before }.stand(Some(&before), now)).await?;
    tx.commit().await.map(drop)
}

async fn messages(
    tx: &mut Tx,
    workspace: WorkspaceId,
    dialog: DialogId,
    last: i64,
) -> Result<Vec<Message>, StorageError> {
    let mut messages = Vec::new();
    let mut after = Some((last - MESSAGES).max(0));
    while after.is_some() {
        let page = PageRequest::new(Some(PageRequest::<i64>::MAX), after);
        let page = tx.workspace(workspace).messages().list(dialog, page).await?;
        messages.extend(page.items);
        after = page.next;
    }
    Ok(messages)
}

/// The clock that follows from what was said.
fn replay(messages: &[Message], policy: &SlaPolicy, hours: &BusinessHours) -> Option<SlaClock> {
    let mut sla = Sla::default();
    // While the assistant has the dialog, nobody is owed a reply of a person.
    let mut with_people = false;
    let mut asked: Option<DateTime<Utc>> = None;

    for message in messages {
        let at = message.created_at;
        match (message.author, message.kind) {
            (_, MessageKind::Control) => match message.text.parse::<ControlStep>() {
                Ok(ControlStep::HandOff | ControlStep::TakeOver | ControlStep::Assign) => {
                    with_people = true;
                    if let Some(asked) = asked {
                        sla.apply(Happened::Wrote(Words::Request), asked, policy, hours);
                    }
                }
                Ok(ControlStep::Close) => {
                    sla.apply(Happened::Closed, at, policy, hours);
                    with_people = false;
                    asked = None;
                }
                Ok(ControlStep::Release | ControlStep::HandBack) => {
                    sla.clock = None;
                    with_people = false;
                }
                Ok(ControlStep::Reopen) | Err(_) => {}
            },
            (Author::Customer, kind) => {
                let words = words(kind, &message.text);
                if words == Words::Request {
                    asked.get_or_insert(at);
                }
                if with_people {
                    sla.apply(Happened::Wrote(words), at, policy, hours);
                }
            }
            (Author::Operator, MessageKind::Note) => {
                sla.apply(Happened::Noted, at, policy, hours);
            }
            (Author::Operator, _) => {
                asked = None;
                sla.apply(Happened::PersonReplied, at, policy, hours);
            }
            (Author::Assistant, _) => {
                sla.apply(Happened::AssistantReplied, at, policy, hours);
            }
            (Author::System, _) => {}
        }
        // What the assistant has answered before somebody asked for a person is answered; the words
        // that brought a person in are not.
        if message.author == Author::Assistant
            && !with_people
            && !is_handed_off_next(messages, message)
        {
            asked = None;
        }
    }
    sla.clock
}

/// Is a reply of the assistant the one that says that a person will answer?
fn is_handed_off_next(messages: &[Message], reply: &Message) -> bool {
    let next = messages.iter().find(|message| message.seq == reply.seq + 1);
    next.is_some_and(|next| {
        next.kind == MessageKind::Control && next.text == ControlStep::HandOff.as_str()
    })
}

/// What a message of a customer wants.
fn words(kind: MessageKind, text: &str) -> Words {
    let is_courtesy = kind == MessageKind::Text
        && matches!(
            acts::tell(text).act,
            MessageAct::Thanks | MessageAct::Farewell | MessageAct::Agreement | MessageAct::Emoji
        );
    if is_courtesy { Words::Courtesy } else { Words::Request }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use replyx_core::{clock::Clock, message::Delivery, sla::Awaited};

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    /// A dialog, one message a minute: `c` customer, `t` thanks, `a` assistant, `o` operator, `n`
    /// note, `H` handed off, `T` taken over, `R` released, `X` closed.
    fn dialog(said: &str) -> Vec<Message> {
        let clock = Clock::manual(at(0));
        let one = |(number, what): (i64, char)| {
            let (author, kind, text) = match what {
                'c' => (Author::Customer, MessageKind::Text, "Where is my parcel?"),
                't' => (Author::Customer, MessageKind::Text, "Thanks!"),
                'a' => (Author::Assistant, MessageKind::Text, "Two days."),
                'o' => (Author::Operator, MessageKind::Text, "On its way."),
                'n' => (Author::Operator, MessageKind::Note, "Look at this."),
                'H' => (Author::System, MessageKind::Control, ControlStep::HandOff.as_str()),
                'T' => (Author::System, MessageKind::Control, ControlStep::TakeOver.as_str()),
                'R' => (Author::System, MessageKind::Control, ControlStep::Release.as_str()),
                'X' => (Author::System, MessageKind::Control, ControlStep::Close.as_str()),
                other => panic!("{other}"),
            };
            Message {
                id: clock.id(),
                workspace_id: clock.id(),
                dialog_id: clock.id(),
                seq: number,
                author,
                kind,
                text: text.to_owned(),
                delivery: Delivery::None,
                answer: None,
                operator: None,
                mentions: Vec::new(),
                act: None,
                created_at: at(number),
            }
        };
        (1..).zip(said.chars()).map(one).collect()
    }

    #[test]
    fn a_clock_runs_from_the_oldest_words_that_no_person_has_answered() {
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        let policy = SlaPolicy { first_reply: minutes(10), next_reply: minutes(5) };
        let hours = BusinessHours::always();
        for (said, expected) in [
            ("ca", None),
            // The words that brought a person in are owed a reply.
            ("cacaH", Some((Awaited::First, 3))),
            ("cacaHcc", Some((Awaited::First, 3))),
            ("caHa", Some((Awaited::First, 1))),
            ("caHn", Some((Awaited::First, 1))),
            ("caHo", None),
            ("caHTo", None),
            ("caHTot", None),
            ("caHTotc", Some((Awaited::Next, 7))),
            ("caHTocc", Some((Awaited::Next, 6))),
            // A takeover of what the assistant has answered owes nothing.
            ("caT", None),
            ("cT", Some((Awaited::First, 1))),
            ("caTc", Some((Awaited::First, 4))),
            ("caHR", None),
            ("caHRca", None),
            ("caHX", None),
            ("caHTocXcaH", Some((Awaited::First, 8))),
        ] {
            let clock = replay(&dialog(said), &policy, &hours);
            let found = clock.map(|clock| (clock.awaited, clock.since));
            let expected = expected.map(|(awaited, number)| (awaited, at(number)));
            assert_eq!(found, expected, "{said}");
        }

        let later = SlaPolicy { first_reply: None, next_reply: minutes(5) };
        assert_eq!(replay(&dialog("caH"), &later, &hours), None, "nothing is promised");
    }
}
