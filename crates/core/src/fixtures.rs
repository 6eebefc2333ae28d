//! Valid objects for tests, each with the plainest values that it may have.
//!
//! A test names what it is about and takes the rest from here, as in
//! `Workspace { name, ..fixtures::workspace(&clock) }`. A new field of an object then changes one
//! fixture instead of every test.

use chrono::{DateTime, Utc};

use crate::{
    assistant::{Assistant, AssistantSettings, Language, Version},
    bot::{Bot, BotMode},
    change::{Change, LogOnly, New},
    channel::{Channel, ChannelKind, ChannelStatus, ChatKind, Inbound, InboundContent},
    clock::{Clock, random_hex},
    dialog::{Contact, Control, Dialog},
    evaluation::{QuestionSet, Run, RunStatus},
    event::Event,
    ids::{AssistantId, DialogId, UserId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus, Source, SourceKind, SourceStatus},
    message::{AnswerMeta, Author, CheckOutcome, Delivery, Message, MessageKind, Outcome},
    money::Money,
    role::Role,
    rules::channel::NewBot,
    user::{Notifications, User},
    workspace::{Member, Workspace},
};

/// A workspace that is not suspended.
pub fn workspace(clock: &Clock) -> Workspace {
    Workspace {
        id: clock.id(),
        name: "shop".to_owned(),
        suspended_at: None,
        created_at: clock.now(),
    }
}

/// A user with an address that no other one has.
pub fn user(clock: &Clock) -> User {
    User {
        id: clock.id(),
        email: format!("{}@example.com", random_hex::<6>()),
        name: None,
        language: Language::English,
        notifications: Notifications::default(),
        is_admin: false,
        second_factor: false,
        blocked_at: None,
        delete_at: None,
        created_at: clock.now(),
    }
}

/// A member who may act.
pub fn member(clock: &Clock, workspace: WorkspaceId, user: UserId, role: Role) -> Member {
    Member {
        workspace_id: workspace,
        user_id: user,
        email: format!("{}@example.com", random_hex::<6>()),
        name: None,
        role,
        suspended_at: None,
        created_at: clock.now(),
    }
}

/// An assistant in its first version, which is published.
pub fn assistant(clock: &Clock, workspace: WorkspaceId) -> Assistant {
    Assistant {
        id: clock.id(),
        workspace_id: workspace,
        settings: AssistantSettings::new("Ada".to_owned(), Language::English),
        version: 1,
        published: 1,
        gate: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// The present settings of an assistant as a published version.
pub fn version(clock: &Clock, assistant: &Assistant) -> Version {
    Version {
        number: assistant.version,
        settings: assistant.settings.clone(),
        note: String::new(),
        run_id: None,
        created_by: "owner@example.org".to_owned(),
        created_at: clock.now(),
    }
}

/// An uploaded text that waits to be indexed.
pub fn document(clock: &Clock, workspace: WorkspaceId, assistant: AssistantId) -> Document {
    Document {
        id: clock.id(),
        workspace_id: workspace,
        assistants: vec![assistant],
        name: "delivery.md".to_owned(),
        title: None,
        kind: DocumentKind::Markdown,
        size: 5,
        content_hash: random_hex::<32>(),
        status: DocumentStatus::Queued,
        error: None,
        warnings: Vec::new(),
        language: "en".to_owned(),
        passages: 0,
        embedded: 0,
        embedded_with: None,
        revision: 0,
        tags: Vec::new(),
        page: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// A site that is fetched every day and waits for the first time.
pub fn source(clock: &Clock, workspace: WorkspaceId, assistant: AssistantId) -> Source {
    Source {
        id: clock.id(),
        workspace_id: workspace,
        assistant_id: assistant,
        kind: SourceKind::Site,
        url: "https://example.org/".to_owned(),
        depth: 3,
        max_pages: 200,
        every_hours: Some(24),
        tags: Vec::new(),
        status: SourceStatus::Queued,
        error: None,
        pages: 0,
        bytes: 0,
        fetched_at: None,
        next_at: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// A set of one question.
pub fn question_set(clock: &Clock, workspace: WorkspaceId, assistant: AssistantId) -> QuestionSet {
    QuestionSet {
        id: clock.id(),
        workspace_id: workspace,
        assistant_id: assistant,
        name: "delivery".to_owned(),
        size: 1,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// A run over a set that waits.
pub fn run(clock: &Clock, set: &QuestionSet) -> Run {
    Run {
        id: clock.id(),
        workspace_id: set.workspace_id,
        set_id: set.id,
        assistant_id: set.assistant_id,
        version: None,
        settings_hash: random_hex::<32>(),
        answers: true,
        status: RunStatus::Queued,
        done: 0,
        total: set.size,
        metrics: None,
        error: None,
        created_at: clock.now(),
        finished_at: None,
    }
}

/// A channel that runs, of a program of the owner.
pub fn channel(clock: &Clock, workspace: WorkspaceId, assistant: AssistantId) -> Channel {
    Channel {
        id: clock.id(),
        workspace_id: workspace,
        assistant_id: assistant,
        kind: ChannelKind::Api,
        name: "app".to_owned(),
        status: ChannelStatus::Running,
        error: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// A bot that runs, with a number that no other one has.
pub fn bot(clock: &Clock, workspace: WorkspaceId, assistant: AssistantId) -> Bot {
    Bot {
        id: clock.id(),
        workspace_id: workspace,
        assistant_id: assistant,
        telegram_id: i64::from(u32::from_le_bytes(Clock::bytes())),
        username: "shop_bot".to_owned(),
        mode: BotMode::Auto,
        commands: Vec::new(),
        status: ChannelStatus::Running,
        error: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// The delivery with this number, from a person at this address: words to be answered.
pub fn inbound(clock: &Clock, number: i64, address: i64) -> Inbound {
    Inbound {
        key: number.into(),
        order: number,
        address: address.into(),
        chat_kind: ChatKind::Private,
        display_name: format!("Customer {address}"),
        language_code: Some("en".to_owned()),
        sent_at: clock.now(),
        content: InboundContent::Text { text: "Hello?".to_owned(), message_id: number.into() },
        quoted: None,
    }
}

/// A dialog with a contact in which nothing has been said.
pub fn dialog(clock: &Clock, assistant: AssistantId, contact: &Contact) -> Dialog {
    Dialog {
        id: clock.id(),
        workspace_id: contact.workspace_id,
        assistant_id: assistant,
        channel_id: contact.channel_id,
        contact_id: contact.id,
        control: Control::Ai,
        epoch: 0,
        last_seq: 0,
        heard_seq: 0,
        answered_seq: 0,
        edits: 0,
        fresh_seq: 0,
        assignee: None,
        asking_since: None,
        handoff_reason: None,
        closed_at: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// A reply in a dialog, which waits to be sent.
pub fn reply(clock: &Clock, workspace: WorkspaceId, dialog: DialogId, seq: i64) -> Message {
    Message {
        id: clock.id(),
        workspace_id: workspace,
        dialog_id: dialog,
        seq,
        author: Author::Assistant,
        kind: MessageKind::Text,
        text: format!("reply {seq}"),
        quoted: None,
        revisions: Vec::new(),
        delivery: Delivery::Queued,
        answer: None,
        operator: None,
        mentions: Vec::new(),
        act: None,
        created_at: clock.now(),
    }
}

/// How a checked answer of a model came about.
pub fn answer() -> AnswerMeta {
    AnswerMeta {
        outcome: Outcome::Answered,
        model: "gpt-4o".to_owned(),
        prompt_tokens: 900,
        completion_tokens: 30,
        cost: Money::from_micros(250),
        duration_ms: 1_200,
        first_token_ms: Some(400),
        citations: Vec::new(),
        provider: "openai".to_owned(),
        attempts: 1,
        check: CheckOutcome::Passed,
        objections: Vec::new(),
        searched: None,
        version: Some(1),
        act: None,
        offered: false,
        late: false,
        kept: false,
        unsure: false,
    }
}

/// A state as it is, whatever the rules say, and of which the logs say nothing.
pub const fn unexplained<T>(state: T) -> Change<T> {
    Change::unexplained(state)
}

/// An event that is recorded although nothing happened.
pub fn event(workspace: WorkspaceId, event: Event, at: DateTime<Utc>) -> Change<LogOnly> {
    Change::noted(workspace, event, at)
}

/// A bot that was registered by nobody: only the log of events tells it.
pub fn registered(bot: Bot, token_sealed: &[u8], hook_path: &str) -> Change<New<NewBot>> {
    let event = Event::BotStatus { bot_id: bot.id, status: bot.status, error: None };
    let token_sealed = token_sealed.to_vec();
    let hook_path = hook_path.to_owned();
    Change::noted(bot.workspace_id, event, bot.created_at)
        .with(|_| New(NewBot { bot, token_sealed, hook_path }))
}

/// A bot as the channel that it is.
pub fn channel_of(bot: &Bot) -> Channel {
    Channel {
        id: bot.id,
        workspace_id: bot.workspace_id,
        assistant_id: bot.assistant_id,
        kind: ChannelKind::Telegram,
        name: bot.username.clone(),
        status: bot.status,
        error: bot.error.clone(),
        created_at: bot.created_at,
        updated_at: bot.updated_at,
    }
}
