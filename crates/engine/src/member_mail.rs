//! Mail to the people who answer customers: a customer waits for one of them, a promised reply was
//! not given in time, a colleague mentions them in a note.
//!
//! [`sweep`] is run by the clock, by one process at a time; run twice, it tells nothing twice. It
//! reads the logs of the workspaces from where it stopped and notes what members are to know. After
//! a moment in which somebody may look after it, each member gets one letter with how many dialogs
//! there are of each kind, never a customer's words, and the next one in five minutes at the
//! earliest. What no longer holds by then, and what they have looked at, is left out.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use replyx_core::{
    dialog::Control,
    event::{Event, Recorded},
    ids::{DialogId, JobId, UserId, WorkspaceId},
    mail::{self, Letter, Mail},
    presence::Presence,
    sla::SlaStatus,
    user::InboxNotice,
};
use replyx_storage::{
    StorageError, Tx,
    member_mail::{Addressee, NewNotice},
    retried,
};

use crate::Engine;

/// How long somebody has to look after a dialog before others are written to.
const GRACE: TimeDelta = TimeDelta::seconds(60);
/// A member gets one letter in so long, for all dialogs together.
const BETWEEN: TimeDelta = TimeDelta::minutes(5);
/// A member is told of the same dialog that it waits, or is late, once in so long.
const AGAIN: TimeDelta = TimeDelta::minutes(10);
/// What was told is forgotten after so long.
const KEPT: TimeDelta = TimeDelta::days(1);
/// How many workspaces and members are looked for at once.
const TOGETHER: u32 = 200;
/// How many events are read in one transaction at most.
const EVENTS: i64 = 5_000;

/// Writes to members what they are to know. `base` is where the program is reached, if that is
/// known. Returns how many letters it queued.
///
/// # Errors
///
/// Fails when the database does; what was done before stays.
pub async fn sweep(engine: &Engine, base: Option<&str>) -> Result<usize, StorageError> {
    read_logs(engine).await?;

    let mut sent = 0;
    loop {
        let now = engine.clock.now();
        let mut tx = engine.db.read().await?;
        let due = tx.system().member_mail().due(now - GRACE, now - BETWEEN, TOGETHER).await?;
        drop(tx);
        for (workspace, user) in &due {
            let is_sent = retried(|| write(engine, *workspace, *user, base)).await?;
            sent += usize::from(is_sent);
        }
        if due.len() < TOGETHER as usize {
            return Ok(sent);
        }
    }
}

/// Notes what stands in the logs since they were read.
async fn read_logs(engine: &Engine) -> Result<(), StorageError> {
    let mut after = None;
    loop {
        let mut tx = engine.db.read().await?;
        let behind = tx.system().member_mail().behind(after, TOGETHER).await?;
        drop(tx);
        for (workspace, head) in &behind {
            retried(|| read_log(engine, *workspace, *head)).await?;
            after = Some(*workspace);
        }
        if behind.len() < TOGETHER as usize {
            return Ok(());
        }
    }
}

async fn read_log(engine: &Engine, workspace: WorkspaceId, head: i64) -> Result<(), StorageError> {
    loop {
        let mut tx = engine.db.begin().await?;
        let read = tx.workspace(workspace).member_mail().lock().await?;
        if read >= head {
            return Ok(());
        }
        let upto = head.min(read + EVENTS);
        for recorded in tx.workspace(workspace).member_mail().events(read, upto).await? {
            for new in notices(&recorded) {
                let again = match new.notice {
                    InboxNotice::Request | InboxNotice::Sla => new.at - AGAIN,
                    InboxNotice::Mention => new.at,
                };
                tx.workspace(workspace).member_mail().note(&new, again).await?;
            }
        }
        tx.workspace(workspace).member_mail().read_to(upto).await?;
        tx.commit().await?;
    }
}

/// What members are to know of an event.
fn notices(recorded: &Recorded) -> Vec<NewNotice> {
    let at = recorded.at;
    let new = |notice, dialog_id, seq, only| NewNotice { notice, dialog_id, seq, only, at };
    match &recorded.event {
        Event::DialogControl { dialog_id, control: Control::Waiting, seq, .. } => {
            vec![new(InboxNotice::Request, *dialog_id, *seq, None)]
        }
        Event::DialogSla { dialog_id, status: SlaStatus::Broken, .. } => {
            vec![new(InboxNotice::Sla, *dialog_id, None, None)]
        }
        Event::NoteStored { dialog_id, seq, author_id, mentions, .. } => mentions
            .iter()
            .filter(|user| *author_id != Some(**user))
            .map(|user| new(InboxNotice::Mention, *dialog_id, Some(*seq), Some(*user)))
            .collect(),
        _ => Vec::new(),
    }
}

/// Writes to a member, if there is still something to say. Says whether it did.
async fn write(
    engine: &Engine,
    workspace: WorkspaceId,
    user: UserId,
    base: Option<&str>,
) -> Result<bool, StorageError> {
    let now = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    tx.workspace(workspace).member_mail().forget(user, now - KEPT).await?;
    let seen = now - Presence::LEASE;
    let items = tx.workspace(workspace).member_mail().take(user, now, seen).await?;
    let addressee = tx.workspace(workspace).member_mail().addressee(user).await?;
    let Some(addressee) = addressee.filter(|_| !items.is_empty()) else {
        return tx.commit().await.map(|_| false);
    };

    // Another process has written to them since: what is new waits for the next letter.
    if !tx.workspace(workspace).member_mail().begin(user, now, now - BETWEEN).await? {
        return Ok(false);
    }
    queue(
        engine,
        &mut tx,
        workspace,
        &letter(&addressee, workspace, &items, base),
        &addressee,
        now,
    )
    .await?;
    tx.commit().await.map(|_| true)
}

fn letter(
    addressee: &Addressee,
    workspace: WorkspaceId,
    items: &[(DialogId, InboxNotice)],
    base: Option<&str>,
) -> Letter {
    let count = |wanted| items.iter().filter(|(_, notice)| *notice == wanted).count();
    let dialogs: BTreeSet<_> = items.iter().map(|(dialog, _)| dialog.into_uuid()).collect();
    let page = match items {
        [(dialog, _), ..] if dialogs.len() == 1 => format!("/waiting/{dialog}"),
        _ => "/waiting".to_owned(),
    };
    Letter::InboxNews {
        workspace: addressee.workspace.clone(),
        requests: count(InboxNotice::Request),
        late: count(InboxNotice::Sla),
        mentions: count(InboxNotice::Mention),
        link: base.map(|base| format!("{base}/app/w/{workspace}/inbox{page}")),
    }
}

async fn queue(
    engine: &Engine,
    tx: &mut Tx,
    workspace: WorkspaceId,
    letter: &Letter,
    to: &Addressee,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let mail = Mail { to: to.email.clone(), language: to.language, letter: letter.clone() };
    let id: JobId = engine.clock.id();
    let payload = mail::seal_payload(&engine.keys, id, &mail);
    tx.system().jobs().enqueue(id, mail::KIND, &payload, Some(workspace), now).await
}
