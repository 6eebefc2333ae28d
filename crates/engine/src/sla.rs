//! The times of replies that an owner has promised: clocks follow what is said, and promises that
//! come to be at risk or broken are told.
//!
//! [`sweep`] is run by the clock, by one process at a time. What was said in a dialog tells
//! everything: a clock is made of its messages and of the times in which it was snoozed, so that it
//! does not matter when the sweep sees them.

use chrono::{DateTime, Utc};
use replyx_acts as acts;
use replyx_core::{
    dialog::ControlStep,
    hours::BusinessHours,
    ids::{DialogId, WorkspaceId},
    message::{Author, Message, MessageAct, MessageKind},
    page::PageRequest,
    sla::{DialogSla, RunningSla, Sla, SlaClock, SlaEvent, SlaPause, SlaPolicy, Words},
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
    let pauses = tx.workspace(workspace).slas().pauses(id).await?;
    let mut replay = Replay::new(&policy, &hours, &pauses);
    replay.read(&messages);
    let mut clock = replay.clock_at(now);
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
    // A colleague who snoozes the dialog at this moment has its clock looked at again.
    if tx.workspace(workspace).dialogs().lock(id).await?.is_none() {
        return Ok(());
    }
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

/// Finds the clock that follows from what was said.
struct Replay<'a> {
    policy: &'a SlaPolicy,
    hours: &'a BusinessHours,
    sla: Sla,
    /// The snoozes that have not begun yet, the next one last.
    pauses: Vec<SlaPause>,
    /// When the snooze ends that has begun.
    wakes_at: Option<DateTime<Utc>>,
    /// While the assistant has the dialog, nobody is owed a reply of a person.
    with_people: bool,
    /// When the customer wrote the oldest words that nobody has answered.
    asked: Option<DateTime<Utc>>,
    /// What a dialog that was closed just now was owed: it goes on if that is undone.
    closed: Option<(Sla, Option<DateTime<Utc>>)>,
}

impl<'a> Replay<'a> {
    fn new(policy: &'a SlaPolicy, hours: &'a BusinessHours, pauses: &[SlaPause]) -> Self {
        Self {
            policy,
            hours,
            sla: Sla::default(),
            pauses: pauses.iter().rev().copied().collect(),
            wakes_at: None,
            with_people: false,
            asked: None,
            closed: None,
        }
    }

    /// The clock as it stands at this moment.
    fn clock_at(mut self, now: DateTime<Utc>) -> Option<SlaClock> {
        self.pass(now);
        self.sla.clock
    }

    fn apply(&mut self, what: SlaEvent, at: DateTime<Utc>) {
        self.sla.apply(what, at, self.policy, self.hours);
    }

    /// Lets snoozes begin and end until this moment.
    fn pass(&mut self, now: DateTime<Utc>) {
        loop {
            if let Some(at) = self.wakes_at {
                if at > now {
                    return;
                }
                self.wake(at);
            }

            let Some(pause) = self.pauses.pop_if(|pause| pause.from <= now) else { return };
            self.apply(SlaEvent::Snoozed, pause.from);
            self.wakes_at = Some(pause.to);
        }
    }

    fn wake(&mut self, at: DateTime<Utc>) {
        if self.wakes_at.take().is_some() {
            self.apply(SlaEvent::Woken, at);
        }
    }

    fn read(&mut self, messages: &[Message]) {
        for message in messages {
            let at = message.created_at;
            self.pass(at);
            if message.kind != MessageKind::Control {
                self.closed = None;
            }
            match (message.author, message.kind) {
                (_, MessageKind::Control) => {
                    self.wake(at);
                    self.follow(message.text.parse().ok(), at);
                }
                (Author::Customer, kind) => {
                    self.wake(at);
                    self.hear(words(kind, &message.text), at);
                }
                (Author::Operator, MessageKind::Note) => self.apply(SlaEvent::Noted, at),
                (Author::Operator, _) => {
                    self.asked = None;
                    self.apply(SlaEvent::PersonReplied, at);
                }
                (Author::Assistant, _) => self.apply(SlaEvent::AssistantReplied, at),
                (Author::System, _) => {}
            }

            // What the assistant has answered before somebody asked for a person is answered; the
            // words that brought a person in are not.
            if message.author == Author::Assistant
                && !self.with_people
                && !is_handed_off_next(messages, message)
            {
                self.asked = None;
            }
        }
    }

    /// Control of the dialog has changed.
    fn follow(&mut self, step: Option<ControlStep>, at: DateTime<Utc>) {
        match step {
            Some(ControlStep::HandOff | ControlStep::TakeOver | ControlStep::Assign) => {
                self.with_people = true;
                if let Some((sla, asked)) = self.closed.take() {
                    self.sla = sla;
                    self.asked = asked;
                }
                if let Some(asked) = self.asked {
                    self.apply(SlaEvent::Wrote(Words::Request), asked);
                }
            }
            Some(ControlStep::Close) => {
                self.closed = Some((self.sla, self.asked));
                self.apply(SlaEvent::Closed, at);
                self.with_people = false;
                self.asked = None;
            }
            Some(ControlStep::Release | ControlStep::HandBack) => {
                self.sla.clock = None;
                self.with_people = false;
            }
            Some(ControlStep::Reopen) | None => {}
        }
    }

    /// The customer has written.
    fn hear(&mut self, words: Words, at: DateTime<Utc>) {
        if words == Words::Request {
            self.asked.get_or_insert(at);
        }
        if self.with_people {
            self.apply(SlaEvent::Wrote(words), at);
        }
    }
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
    /// note, `H` handed off, `T` taken over, `R` released, `X` closed, `O` reopened.
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
                'O' => (Author::System, MessageKind::Control, ControlStep::Reopen.as_str()),
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
                quoted: None,
                revisions: Vec::new(),
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
            // Closing is undone: the promise holds, unless somebody has spoken in between.
            ("caHXOT", Some((Awaited::First, 1))),
            ("caHXO", None),
            ("caHXOaT", None),
            ("caHTocXcaH", Some((Awaited::First, 8))),
        ] {
            let mut replay = Replay::new(&policy, &hours, &[]);
            replay.read(&dialog(said));
            let clock = replay.clock_at(at(60));
            let found = clock.map(|clock| (clock.awaited, clock.since));
            let expected = expected.map(|(awaited, number)| (awaited, at(number)));
            assert_eq!(found, expected, "{said}");
        }

        let later = SlaPolicy { first_reply: None, next_reply: minutes(5) };
        let mut replay = Replay::new(&later, &hours, &[]);
        replay.read(&dialog("caH"));
        assert_eq!(replay.clock_at(at(60)), None, "nothing is promised");
    }

    #[test]
    fn a_clock_stands_still_while_the_dialog_is_snoozed() {
        let first_reply = Some(Duration::from_mins(30));
        let policy = SlaPolicy { first_reply, next_reply: first_reply };
        let hours = BusinessHours::always();
        let pause = |from, to| SlaPause { from: at(from), to: at(to) };
        let spent_at = |minute: i64, said: &str, pauses: &[SlaPause]| {
            let mut replay = Replay::new(&policy, &hours, pauses);
            replay.read(&dialog(said));
            let clock = replay.clock_at(at(minute)).unwrap();
            (clock.spent_at(at(minute), &hours).as_secs() / 60, clock.running_since.is_some())
        };
        // The customer asks in minute 1, and a person takes the dialog in minute 3.
        assert_eq!(spent_at(60, "caHT", &[]), (59, true));
        assert_eq!(spent_at(60, "caHT", &[pause(10, 80)]), (9, false));
        assert_eq!(spent_at(60, "caHT", &[pause(10, 20)]), (49, true));
        assert_eq!(
            spent_at(60, "caHT", &[pause(10, 20), pause(20, 30), pause(58, 90)]),
            (37, false)
        );
        assert_eq!(spent_at(9, "caHT", &[pause(10, 20)]), (8, true), "it has not begun");

        // The customer's words and a colleague's takeover end a snooze; a note does not.
        assert_eq!(spent_at(60, "caHTnc", &[pause(5, 80)]), (58, true));
        assert_eq!(spent_at(60, "caHTnT", &[pause(5, 80)]), (58, true));
        assert_eq!(spent_at(60, "caHTnn", &[pause(5, 80)]), (4, false));
    }
}
