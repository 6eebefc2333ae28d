//! Step 1: what was said before, and how the assistant is to answer.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{AssistantSettings, FixedText, Language, Pause},
    channel::{Channel, Quoted},
    command::{OwnerCommand, coded_language},
    dialog::{Contact, Dialog},
    ids::{AssistantId, DialogId, WorkspaceId},
    message::{Author, MessageKind, Outcome},
    usage::Purpose,
};
use replyx_llm::{Caller, Models};
use replyx_storage::{
    StorageError, Tx, contacts::ContactDay, dialogs::DialogContext, messages::Spoken,
    turns::ClaimedTurn,
};
use secrecy::SecretString;

use crate::{Engine, speech};

/// How much of what a customer wrote without waiting for an answer is answered, bytes.
const QUESTION: usize = 16_000;

/// What a turn knows when it begins.
#[derive(Debug)]
pub struct Context {
    /// The dialog as it was then; settling compares its epoch.
    pub dialog: Dialog,
    /// The customer.
    pub contact: Contact,
    /// What the customer has said since the last answer, oldest first.
    pub pending: Vec<Spoken>,
    /// What an answer is made from.
    pub ask: AnswerRequest,
    /// What the customer was answered today.
    pub today: ContactDay,
    /// The commands of the owner.
    pub commands: Vec<OwnerCommand>,
    /// The pause of the assistant, if it is paused.
    pub pause: Option<Pause>,
    /// The channel in which the reply goes.
    pub channel: Channel,
    /// The channel's secret, to show that somebody is typing; absent when there is none, or it
    /// cannot be opened.
    pub secret: Option<SecretString>,
}

/// What an answer is made from. Knows neither dialog nor customer nor bot, so that a preview and an
/// evaluation answer as a turn does.
#[derive(Clone, Debug)]
pub struct AnswerRequest {
    /// Whose assistant it is.
    pub workspace: WorkspaceId,
    /// The assistant.
    pub assistant: AssistantId,
    /// How to answer.
    pub settings: AssistantSettings,
    /// The number of the version these settings are; `None` for a draft.
    pub version: Option<i64>,
    /// The revision of what the assistant knows, where it has just been read; see
    /// [`replyx_knowledge::search::Query::revision`].
    pub knowledge: Option<i64>,
    /// The model to ask.
    pub model: String,
    /// The only models that the workspace may use, if it may not use all that the installation
    /// allows.
    pub allowed: Option<Arc<[String]>>,
    /// The words that are to be answered.
    pub question: String,
    /// What was said before, oldest first, bounded in number.
    pub history: Vec<EarlierMessage>,
    /// What was said still earlier, in short.
    pub summary: Option<String>,
    /// When it is asked.
    pub now: DateTime<Utc>,
    /// The language of the house in which the customer is spoken to.
    pub language: Language,
    /// How many answers in a row the documents did not hold, the last ones.
    pub declined: u32,
    /// Whether our last words offered a human.
    pub offered: bool,
    /// The dialog, if there is one.
    pub dialog: Option<DialogId>,
    /// What the calls of models are for, if not for a customer.
    pub instead: Option<Purpose>,
}

/// Something that was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierMessage {
    /// Its place in the dialog; 0 for what was said elsewhere.
    pub seq: i64,
    /// Did we say it, or the customer?
    pub ours: bool,
    /// What was said.
    pub text: String,
}

impl AnswerRequest {
    /// The same, answered with the models that the workspace may use.
    #[must_use]
    pub fn restricted(mut self, models: &Models, allowed: Option<Vec<String>>) -> Self {
        self.model = models.resolve_for(self.settings.model.as_deref(), allowed.as_deref());
        self.allowed = allowed.map(Arc::from);
        self
    }

    /// A fixed text, in the customer's language.
    pub fn say(&self, text: FixedText) -> &str {
        self.settings.say(text, self.language)
    }

    /// What the customer hears when the dialog is handed to a human.
    pub fn handoff_text(&self) -> String {
        self.settings.handoff(self.language, self.now)
    }

    /// For whom a model is asked, and what for.
    pub fn caller(&self, purpose: Purpose) -> Caller {
        Caller {
            workspace: Some(self.workspace),
            assistant: Some(self.assistant),
            dialog: self.dialog,
            purpose: self.purpose(purpose),
        }
    }

    /// What a call of a model is stored as.
    pub fn purpose(&self, purpose: Purpose) -> Purpose {
        self.instead.unwrap_or(purpose)
    }
}

/// The customer's words that are to be answered, one message a line, each behind the words of
/// others to which it replies: the newest that fit into 16,000 bytes, and the last one in any case.
fn question(pending: &[Spoken]) -> String {
    let is_said = |quoted: &str| pending.iter().any(|message| message.text == quoted);
    let quoted = |message: &Spoken| match &message.quoted {
        Some(Quoted { text, ours: false }) if !is_said(text) => Some(text.clone()),
        _ => None,
    };
    let words = |message: &Spoken| match quoted(message) {
        Some(quoted) => format!("{quoted}\n{}", message.text),
        None => message.text.clone(),
    };

    let mut room = QUESTION;
    let mut texts: Vec<String> = pending
        .iter()
        .rev()
        .filter(|message| message.kind == MessageKind::Text)
        .map(words)
        .enumerate()
        .take_while(|(number, text)| {
            let fits = text.len() <= room;
            room = room.saturating_sub(text.len());
            fits || *number == 0
        })
        .map(|(_, text)| text)
        .collect();
    texts.reverse();
    texts.join("\n")
}

/// What of a dialog's messages was said in words, by the customer or by us.
fn said(messages: Vec<Spoken>) -> Vec<EarlierMessage> {
    let said = messages.into_iter().filter(|message| message.kind == MessageKind::Text);
    said.filter_map(|message| {
        let ours = match message.author {
            Author::Customer => false,
            Author::Assistant | Author::Operator => true,
            Author::System => return None,
        };
        Some(EarlierMessage { seq: message.seq, ours, text: message.text })
    })
    .collect()
}

/// Words of ours to which the customer replies, and which are not among those said before: in a
/// group they were said to somebody else, and a long dialog no longer shows them.
fn pointed_to(pending: &[Spoken], history: &[EarlierMessage]) -> Vec<EarlierMessage> {
    let ours = pending.iter().filter_map(|message| match &message.quoted {
        Some(Quoted { text, ours: true }) => Some(text),
        _ => None,
    });
    let is_known = |text: &str| {
        let text = letters(text);
        history.iter().any(|said| said.ours && letters(&said.text).contains(&text))
    };
    ours.filter(|text| !is_known(text))
        .map(|text| EarlierMessage { seq: 0, ours: true, text: text.clone() })
        .collect()
}

/// A text without what its markup adds or takes away.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// What the customer said of it, newest first.
pub(crate) fn customers(history: &[EarlierMessage]) -> impl Iterator<Item = &str> {
    history.iter().rev().filter(|said| !said.ours).map(|said| said.text.as_str())
}

/// What a turn has before it.
#[derive(Debug)]
pub enum Loaded {
    /// What it needs.
    Ready(Box<Context>),
    /// The dialog, its assistant or its channel is no longer there.
    Gone,
    /// The workspace is suspended: nobody is answered until it is resumed.
    Suspended,
}

/// Loads what a turn needs: one look at the dialog and what stands around it, one at what was said,
/// and seldom one at how the last replies were made. The version's settings are kept in memory
/// (`versions`).
pub async fn load(engine: &Engine, turn: &ClaimedTurn) -> Result<Loaded, StorageError> {
    let workspace = turn.workspace_id;
    let now = engine.clock.now();
    let mut tx = engine.db.read().await?;
    let dialogs = tx.workspace(workspace).dialogs();
    let Some(found) = dialogs.context(turn.dialog_id, now.date_naive()).await? else {
        return Ok(Loaded::Gone);
    };
    if found.policy.suspended {
        return Ok(Loaded::Suspended);
    }
    let Some(settings) = engine.versions.settings(&mut tx, &found).await? else {
        return Ok(Loaded::Gone);
    };

    // A late answer is one to what the fallback text answered.
    let answered = turn.late.map_or(found.dialog.answered_seq, |late| late.after);
    let heard = heard(engine, &mut tx, &found.dialog, &settings, answered).await?;
    drop(tx);
    Ok(Loaded::Ready(Box::new(context(engine, found, &settings, heard, now))))
}

/// What was said in a dialog, as a turn sees it.
struct HeardWords {
    /// What is to be answered, oldest first.
    pending: Vec<Spoken>,
    /// What of it is a question, one message a line.
    question: String,
    /// What was said before, oldest first.
    history: Vec<EarlierMessage>,
    /// What our last replies were.
    before: Before,
}

/// Reads what was said; what the customer said after number `answered` is to be answered.
async fn heard(
    engine: &Engine,
    tx: &mut Tx,
    dialog: &Dialog,
    settings: &AssistantSettings,
    answered: i64,
) -> Result<HeardWords, StorageError> {
    let asked = u32::try_from(dialog.heard_seq - answered).unwrap_or_default();
    // Twice what is shown, so that what falls out of sight can be summed up.
    let limit = engine.settings.history.saturating_mul(2).saturating_add(asked.min(100));
    let messages = tx.workspace(dialog.workspace_id).messages();
    let mut messages = messages.spoken(dialog.id, dialog.heard_seq, limit).await?;
    // The customer wished to begin anew: neither what was said before nor what was asked counts.
    messages.retain(|message| message.seq >= dialog.fresh_seq);

    let is_pending =
        |message: &Spoken| message.author == Author::Customer && message.seq > answered;
    let (pending, history): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_pending);
    let question = question(&pending);
    let spoken = history.iter().rev().find(|message| message.author != Author::Customer);
    let ours = spoken.is_some_and(|message| message.author == Author::Assistant);
    let before = before(tx, dialog, speech::looked_back(&question, settings)).await?;
    // What a colleague has answered in between is another row.
    let before = Before {
        declined: if ours { before.declined } else { 0 },
        offered: before.offered && ours,
    };
    let mut history = said(history);
    history.extend(pointed_to(&pending, &history));
    Ok(HeardWords { pending, question, history, before })
}

fn context(
    engine: &Engine,
    found: DialogContext,
    settings: &AssistantSettings,
    heard: HeardWords,
    now: DateTime<Utc>,
) -> Context {
    let dialog = found.dialog;
    let contact = found.contact;
    let spoken = || {
        // A command has no language of its own.
        let is_command = |message: &Spoken| message.kind == MessageKind::Command;
        let only = !heard.pending.is_empty() && heard.pending.iter().all(is_command);
        let code = contact.language_code.as_deref().filter(|_| only);
        let own = code.and_then(coded_language).unwrap_or(settings.language);
        speech::language(&heard.question, customers(&heard.history), own)
    };
    let language = contact.language.unwrap_or_else(spoken);
    let sealed = found.access.secret_sealed.as_deref();
    let secret = sealed
        .and_then(|sealed| engine.keys.open(sealed, dialog.channel_id.into_uuid().as_bytes()).ok());

    let ask = AnswerRequest {
        language,
        declined: heard.before.declined,
        offered: heard.before.offered,
        workspace: dialog.workspace_id,
        assistant: dialog.assistant_id,
        model: String::new(),
        allowed: None,
        settings: settings.clone(),
        version: Some(found.version),
        knowledge: Some(found.knowledge),
        question: heard.question,
        history: heard.history,
        summary: found.summary,
        now,
        dialog: Some(dialog.id),
        instead: None,
    };

    Context {
        ask: ask.restricted(&engine.models, found.policy.allowed),
        dialog,
        contact,
        commands: found.commands,
        pending: heard.pending,
        today: found.day,
        pause: found.pause,
        channel: found.access.channel,
        secret,
    }
}

/// What the last replies were.
#[derive(Default)]
struct Before {
    declined: u32,
    offered: bool,
}

/// Looks at so many of the last replies of a dialog; most messages need none.
async fn before(tx: &mut Tx, dialog: &Dialog, replies: u32) -> Result<Before, StorageError> {
    if replies == 0 {
        return Ok(Before::default());
    }
    let messages = tx.workspace(dialog.workspace_id).messages();
    let answers = messages.answers(dialog.id, dialog.heard_seq, replies).await?;

    let offered = answers.first().is_some_and(|answer| answer.offered);
    let declined = answers.iter().take_while(|answer| answer.outcome == Outcome::Unknown).count();
    Ok(Before { declined: u32::try_from(declined).unwrap_or(u32::MAX), offered })
}
