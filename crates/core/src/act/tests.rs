//! The stored form of every act: entries are hashed, and are read for as long as the installation
//! lives.

#![expect(clippy::too_many_lines, reason = "these are tables")]

use serde_json::json;

use super::*;
use crate::{
    bot::BotMode,
    channel::ChannelKind,
    ids::{
        AssistantId, CannedReplyId, ChannelId, DialogId, DocumentId, InvitationId, ModelKeyId,
        QuestionSetId, RunId, SessionId, SourceId, TagId, WorkspaceId,
    },
    knowledge::SourceKind,
    ledger::CreditSource,
    message::MessageAct,
    money::Money,
    permission::Permission,
    role::Role,
};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

/// What is stored of an act: its type, name, kind of target, target, outcome and details.
type Stored = (&'static str, &'static str, &'static str, Option<String>, Outcome, String);

fn stored<A: Act>(act: &A) -> Stored {
    let name = std::any::type_name::<A>().rsplit("::").next().unwrap();
    (name, A::ACTION, A::TARGET, act.target_id(), act.outcome(), act.details().to_string())
}

fn done(
    name: &'static str,
    action: &'static str,
    target: &'static str,
    id: &str,
    details: &str,
) -> Stored {
    (name, action, target, Some(id.to_owned()), Outcome::Done, details.to_owned())
}

fn refused(
    name: &'static str,
    action: &'static str,
    target: &'static str,
    id: Option<&str>,
    details: &str,
) -> Stored {
    (name, action, target, id.map(str::to_owned), Outcome::Refused, details.to_owned())
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn at() -> DateTime<Utc> {
    "2027-01-15T08:00:00.5Z".parse().unwrap()
}

/// Checks pairs of an act and its stored form, and that the pairs name every type of the tables.
fn check(
    tables: &[&[(&'static str, &'static str)]],
    by_hand: &[&'static str],
    pairs: &[(Stored, Stored)],
) {
    for (act, expected) in pairs {
        assert_eq!(act, expected);
    }

    let mut known: Vec<&str> = tables.iter().copied().flatten().map(|(name, _)| *name).collect();
    known.extend(by_hand);
    known.sort_unstable();
    let mut tested: Vec<&str> = pairs.iter().map(|(act, _)| act.0).collect();
    tested.sort_unstable();
    tested.dedup();
    assert_eq!(tested, known, "each type has its stored form in this test");
}

#[test]
fn acts_on_accounts_are_stored_as_ever() {
    let user: UserId = ID.parse().unwrap();
    let session: SessionId = OTHER.parse().unwrap();
    let of_user = |name, action| done(name, action, "user", ID, "{}");
    let of_session = |name, action| done(name, action, "session", OTHER, "{}");
    let in_session = format!(r#"{{"session":"{OTHER}"}}"#);

    check(
        &[ACCOUNT],
        &["AccountRequested", "AccountRegistered"],
        &[
            (
                stored(&AccountRequested { user, taken: false }),
                done(
                    "AccountRequested",
                    "account.registered",
                    "user",
                    ID,
                    r#"{"confirmed":false}"#,
                ),
            ),
            (
                stored(&AccountRequested { user, taken: true }),
                refused(
                    "AccountRequested",
                    "account.registered",
                    "user",
                    Some(ID),
                    r#"{"confirmed":false}"#,
                ),
            ),
            (
                stored(&AccountRegistered { user, invited: true }),
                done(
                    "AccountRegistered",
                    "account.registered",
                    "user",
                    ID,
                    r#"{"confirmed":true,"invited":true}"#,
                ),
            ),
            (stored(&AccountConfirmed { user }), of_user("AccountConfirmed", "account.confirmed")),
            (stored(&AccountUpdated { user }), of_user("AccountUpdated", "account.updated")),
            (
                stored(&AccountDeletionScheduled { user, delete_at: at() }),
                done(
                    "AccountDeletionScheduled",
                    "account.deletion_scheduled",
                    "user",
                    ID,
                    r#"{"delete_at":"2027-01-15T08:00:00.500Z"}"#,
                ),
            ),
            (stored(&AccountRestored { user }), of_user("AccountRestored", "account.restored")),
            (stored(&AccountDeleted { user }), of_user("AccountDeleted", "account.deleted")),
            (
                stored(&SessionOpened { user, session }),
                done("SessionOpened", "session.opened", "user", ID, &in_session),
            ),
            (
                stored(&SessionRefused { user: None, reason: "password" }),
                refused(
                    "SessionRefused",
                    "session.refused",
                    "user",
                    None,
                    r#"{"reason":"password"}"#,
                ),
            ),
            (stored(&SessionClosed { session }), of_session("SessionClosed", "session.closed")),
            (stored(&SessionRevoked { session }), of_session("SessionRevoked", "session.revoked")),
            (
                stored(&OtherSessionsRevoked { user, sessions: 2 }),
                done(
                    "OtherSessionsRevoked",
                    "session.others_revoked",
                    "user",
                    ID,
                    r#"{"sessions":2}"#,
                ),
            ),
            (
                stored(&SessionReuseDetected { user: Some(user), session }),
                refused(
                    "SessionReuseDetected",
                    "session.reuse_detected",
                    "user",
                    Some(ID),
                    &in_session,
                ),
            ),
            (stored(&PasswordChanged { user }), of_user("PasswordChanged", "password.changed")),
            (stored(&PasswordReset { user }), of_user("PasswordReset", "password.reset")),
            (
                stored(&PasswordResetRequested { user }),
                of_user("PasswordResetRequested", "password.reset_asked"),
            ),
            (stored(&PasswordSet { user }), of_user("PasswordSet", "password.set")),
            (
                stored(&ProofRefused { user, reason: text("code") }),
                refused("ProofRefused", "proof.refused", "user", Some(ID), r#"{"reason":"code"}"#),
            ),
            (
                stored(&SecondFactorEnabled { user }),
                of_user("SecondFactorEnabled", "second_factor.enabled"),
            ),
            (
                stored(&SecondFactorRemoved { user }),
                of_user("SecondFactorRemoved", "second_factor.removed"),
            ),
            (
                stored(&RecoveryCodesReplaced { user }),
                of_user("RecoveryCodesReplaced", "second_factor.recovery_codes_replaced"),
            ),
            (
                stored(&RecoveryCodeUsed { user, left: 9 }),
                done(
                    "RecoveryCodeUsed",
                    "second_factor.recovery_code_used",
                    "user",
                    ID,
                    r#"{"left":9}"#,
                ),
            ),
        ],
    );
}

#[test]
fn acts_on_workspaces_are_stored_as_ever() {
    let workspace: WorkspaceId = ID.parse().unwrap();
    let member: UserId = ID.parse().unwrap();
    let invitation: InvitationId = ID.parse().unwrap();
    let api_key: ApiKeyId = ID.parse().unwrap();
    let name = text("Shop");
    let email = text("a@example.org");
    let role = Role::Viewer;

    check(
        &[WORKSPACE],
        &[],
        &[
            (
                stored(&WorkspaceCreated { workspace, name: name.clone() }),
                done(
                    "WorkspaceCreated",
                    "workspace.created",
                    "workspace",
                    ID,
                    r#"{"name":"Shop"}"#,
                ),
            ),
            (
                stored(&WorkspaceUpdated { workspace, name: name.clone() }),
                done(
                    "WorkspaceUpdated",
                    "workspace.updated",
                    "workspace",
                    ID,
                    r#"{"name":"Shop"}"#,
                ),
            ),
            (
                stored(&MemberJoined {
                    member,
                    email: email.clone(),
                    role,
                    invited_by: OTHER.parse().unwrap(),
                }),
                done(
                    "MemberJoined",
                    "member.joined",
                    "member",
                    ID,
                    &format!(
                        r#"{{"email":"a@example.org","invited_by":"{OTHER}","role":"viewer"}}"#
                    ),
                ),
            ),
            (
                stored(&MemberRoleChanged {
                    member,
                    email: email.clone(),
                    from: role,
                    to: Role::Operator,
                }),
                done(
                    "MemberRoleChanged",
                    "member.role_changed",
                    "member",
                    ID,
                    r#"{"email":"a@example.org","from":"viewer","to":"operator"}"#,
                ),
            ),
            (
                stored(&MemberPromoted { member, role: Role::Owner }),
                done("MemberPromoted", "member.role_changed", "member", ID, r#"{"role":"owner"}"#),
            ),
            (
                stored(&MemberSuspended { member, email: email.clone() }),
                done(
                    "MemberSuspended",
                    "member.suspended",
                    "member",
                    ID,
                    r#"{"email":"a@example.org"}"#,
                ),
            ),
            (
                stored(&MemberResumed { member, email: email.clone() }),
                done(
                    "MemberResumed",
                    "member.resumed",
                    "member",
                    ID,
                    r#"{"email":"a@example.org"}"#,
                ),
            ),
            (
                stored(&MemberLeft { member, email: email.clone(), role }),
                done(
                    "MemberLeft",
                    "member.left",
                    "member",
                    ID,
                    r#"{"email":"a@example.org","role":"viewer"}"#,
                ),
            ),
            (
                stored(&MemberRemoved { member, email: email.clone(), role }),
                done(
                    "MemberRemoved",
                    "member.removed",
                    "member",
                    ID,
                    r#"{"email":"a@example.org","role":"viewer"}"#,
                ),
            ),
            (
                stored(&InvitationCreated { invitation, email, role }),
                done(
                    "InvitationCreated",
                    "invitation.created",
                    "invitation",
                    ID,
                    r#"{"email":"a@example.org","role":"viewer"}"#,
                ),
            ),
            (
                stored(&InvitationDeleted { invitation }),
                done("InvitationDeleted", "invitation.deleted", "invitation", ID, "{}"),
            ),
            (
                stored(&ApiKeyCreated {
                    api_key,
                    name: name.clone(),
                    scopes: vec![Permission::AssistantsRead, Permission::BotsWrite],
                    service: true,
                    expires_at: None,
                }),
                done(
                    "ApiKeyCreated",
                    "api_key.created",
                    "api_key",
                    ID,
                    r#"{"expires_at":null,"name":"Shop","scopes":["assistants:read","bots:write"],"service":true}"#,
                ),
            ),
            (
                stored(&ApiKeyUpdated { api_key, name: name.clone() }),
                done("ApiKeyUpdated", "api_key.updated", "api_key", ID, r#"{"name":"Shop"}"#),
            ),
            (
                stored(&ApiKeyDeleted { api_key, name, service: false }),
                done(
                    "ApiKeyDeleted",
                    "api_key.deleted",
                    "api_key",
                    ID,
                    r#"{"name":"Shop","service":false}"#,
                ),
            ),
        ],
    );
}

#[test]
fn acts_on_assistants_are_stored_as_ever() {
    let assistant: AssistantId = ID.parse().unwrap();
    let question_set: QuestionSetId = ID.parse().unwrap();
    let evaluation_run: RunId = ID.parse().unwrap();
    let name = text("Anna");

    check(
        &[ASSISTANT],
        &[],
        &[
            (
                stored(&AssistantCreated { assistant, name: name.clone() }),
                done(
                    "AssistantCreated",
                    "assistant.created",
                    "assistant",
                    ID,
                    r#"{"name":"Anna"}"#,
                ),
            ),
            (
                stored(&AssistantUpdated { assistant, name: name.clone(), version: 2 }),
                done(
                    "AssistantUpdated",
                    "assistant.updated",
                    "assistant",
                    ID,
                    r#"{"name":"Anna","version":2}"#,
                ),
            ),
            (
                stored(&AssistantPublished { assistant, name: name.clone(), number: 3 }),
                done(
                    "AssistantPublished",
                    "assistant.published",
                    "assistant",
                    ID,
                    r#"{"name":"Anna","number":3}"#,
                ),
            ),
            (
                stored(&AssistantRolledBack { assistant, name: name.clone(), from: 3, to: 1 }),
                done(
                    "AssistantRolledBack",
                    "assistant.rolled_back",
                    "assistant",
                    ID,
                    r#"{"from":3,"name":"Anna","to":1}"#,
                ),
            ),
            (
                stored(&AssistantPaused { assistant, name: name.clone() }),
                done("AssistantPaused", "assistant.paused", "assistant", ID, r#"{"name":"Anna"}"#),
            ),
            (
                stored(&AssistantResumed { assistant, name: name.clone() }),
                done(
                    "AssistantResumed",
                    "assistant.resumed",
                    "assistant",
                    ID,
                    r#"{"name":"Anna"}"#,
                ),
            ),
            (
                stored(&AssistantSlaSet {
                    assistant,
                    name: name.clone(),
                    first_reply_minutes: Some(15),
                    next_reply_minutes: None,
                }),
                done(
                    "AssistantSlaSet",
                    "assistant.sla_set",
                    "assistant",
                    ID,
                    r#"{"first_reply_minutes":15,"name":"Anna","next_reply_minutes":null}"#,
                ),
            ),
            (
                stored(&AssistantDeleted { assistant, name: name.clone() }),
                done(
                    "AssistantDeleted",
                    "assistant.deleted",
                    "assistant",
                    ID,
                    r#"{"name":"Anna"}"#,
                ),
            ),
            (
                stored(&QuestionSetCreated {
                    question_set,
                    name: name.clone(),
                    assistant_id: assistant,
                    size: 7,
                }),
                done(
                    "QuestionSetCreated",
                    "question_set.created",
                    "question_set",
                    ID,
                    &format!(r#"{{"assistant_id":"{ID}","name":"Anna","size":7}}"#),
                ),
            ),
            (
                stored(&QuestionSetUpdated { question_set, name: name.clone(), size: 8 }),
                done(
                    "QuestionSetUpdated",
                    "question_set.updated",
                    "question_set",
                    ID,
                    r#"{"name":"Anna","size":8}"#,
                ),
            ),
            (
                stored(&QuestionSetDeleted { question_set, name }),
                done(
                    "QuestionSetDeleted",
                    "question_set.deleted",
                    "question_set",
                    ID,
                    r#"{"name":"Anna"}"#,
                ),
            ),
            (
                stored(&EvaluationStarted {
                    evaluation_run,
                    question_set_id: question_set,
                    version: None,
                    answers: true,
                }),
                done(
                    "EvaluationStarted",
                    "evaluation.started",
                    "evaluation_run",
                    ID,
                    &format!(r#"{{"answers":true,"question_set_id":"{ID}","version":null}}"#),
                ),
            ),
        ],
    );
}

#[test]
fn acts_on_knowledge_are_stored_as_ever() {
    let document: DocumentId = ID.parse().unwrap();
    let assistant: AssistantId = OTHER.parse().unwrap();
    let source: SourceId = ID.parse().unwrap();
    let name = text("prices.pdf");
    let url = text("https://example.org/");
    let of_assistant = format!(r#"{{"assistant_id":"{OTHER}","name":"prices.pdf"}}"#);
    let named = r#"{"name":"prices.pdf"}"#;
    let at_address = r#"{"url":"https://example.org/"}"#;

    check(
        &[KNOWLEDGE],
        &[],
        &[
            (
                stored(&DocumentUploaded {
                    document,
                    name: name.clone(),
                    assistant_id: assistant,
                    size: 5,
                }),
                done(
                    "DocumentUploaded",
                    "document.uploaded",
                    "document",
                    ID,
                    &format!(r#"{{"assistant_id":"{OTHER}","name":"prices.pdf","size":5}}"#),
                ),
            ),
            (
                stored(&DocumentReplaced {
                    document,
                    name: name.clone(),
                    before: text("old.pdf"),
                    size: 6,
                }),
                done(
                    "DocumentReplaced",
                    "document.replaced",
                    "document",
                    ID,
                    r#"{"before":"old.pdf","name":"prices.pdf","size":6}"#,
                ),
            ),
            (
                stored(&DocumentRenamed { document, name: name.clone(), before: text("old.pdf") }),
                done(
                    "DocumentRenamed",
                    "document.renamed",
                    "document",
                    ID,
                    r#"{"before":"old.pdf","name":"prices.pdf"}"#,
                ),
            ),
            (
                stored(&DocumentTagged {
                    document,
                    name: name.clone(),
                    tags: vec![text("prices")],
                    before: Vec::new(),
                }),
                done(
                    "DocumentTagged",
                    "document.tagged",
                    "document",
                    ID,
                    r#"{"before":[],"name":"prices.pdf","tags":["prices"]}"#,
                ),
            ),
            (
                stored(&DocumentReindexed { document, name: name.clone() }),
                done("DocumentReindexed", "document.reindexed", "document", ID, named),
            ),
            (
                stored(&DocumentLinked { document, name: name.clone(), assistant_id: assistant }),
                done("DocumentLinked", "document.linked", "document", ID, &of_assistant),
            ),
            (
                stored(&DocumentUnlinked { document, name: name.clone(), assistant_id: assistant }),
                done("DocumentUnlinked", "document.unlinked", "document", ID, &of_assistant),
            ),
            (
                stored(&DocumentDeleted { document, name: name.clone() }),
                done("DocumentDeleted", "document.deleted", "document", ID, named),
            ),
            (
                stored(&AnswerCreated {
                    answer: document,
                    name: name.clone(),
                    assistant_id: assistant,
                }),
                done("AnswerCreated", "answer.created", "answer", ID, &of_assistant),
            ),
            (
                stored(&AnswerUpdated {
                    answer: document,
                    name: name.clone(),
                    assistant_id: assistant,
                }),
                done("AnswerUpdated", "answer.updated", "answer", ID, &of_assistant),
            ),
            (
                stored(&AnswerDeleted { answer: document, name, assistant_id: assistant }),
                done("AnswerDeleted", "answer.deleted", "answer", ID, &of_assistant),
            ),
            (
                stored(&AnswersImported { assistant, imported: 3, skipped: 1 }),
                done(
                    "AnswersImported",
                    "answers.imported",
                    "assistant",
                    OTHER,
                    r#"{"imported":3,"skipped":1}"#,
                ),
            ),
            (
                stored(&SourceCreated {
                    source,
                    url: url.clone(),
                    kind: SourceKind::ALL[0],
                    assistant_id: assistant,
                }),
                done(
                    "SourceCreated",
                    "source.created",
                    "source",
                    ID,
                    &json!({
                        "assistant_id": OTHER, "kind": SourceKind::ALL[0].as_str(), "url": url,
                    })
                    .to_string(),
                ),
            ),
            (
                stored(&SourceUpdated {
                    source,
                    url: url.clone(),
                    depth: 2,
                    max_pages: 50,
                    refresh_hours: Some(24),
                    tags: vec!["prices".to_owned()],
                }),
                done(
                    "SourceUpdated",
                    "source.updated",
                    "source",
                    ID,
                    r#"{"depth":2,"max_pages":50,"refresh_hours":24,"tags":["prices"],"url":"https://example.org/"}"#,
                ),
            ),
            (
                stored(&SourceFetched { source, url: url.clone() }),
                done("SourceFetched", "source.fetched", "source", ID, at_address),
            ),
            (
                stored(&SourceDeleted { source, url }),
                done("SourceDeleted", "source.deleted", "source", ID, at_address),
            ),
        ],
    );
}

#[test]
fn acts_on_bots_and_dialogs_are_stored_as_ever() {
    let bot: ChannelId = ID.parse().unwrap();
    let dialog: DialogId = ID.parse().unwrap();
    let assistant_id: AssistantId = OTHER.parse().unwrap();
    let username = text("shop_bot");
    let mode = BotMode::Polling;
    let named = r#"{"username":"shop_bot"}"#;
    let in_mode = r#"{"mode":"polling","username":"shop_bot"}"#;
    let added = format!(r#"{{"assistant_id":"{OTHER}","taken_over":false,"username":"shop_bot"}}"#);

    check(
        &[BOT, DIALOG],
        &[],
        &[
            (
                stored(&BotCreated {
                    bot,
                    username: username.clone(),
                    assistant_id,
                    taken_over: false,
                }),
                done("BotCreated", "bot.created", "bot", ID, &added),
            ),
            (
                stored(&BotTokenReplaced {
                    bot,
                    username: username.clone(),
                    assistant_id,
                    taken_over: false,
                }),
                done("BotTokenReplaced", "bot.token_replaced", "bot", ID, &added),
            ),
            (
                stored(&ChannelCreated {
                    channel: bot,
                    kind: ChannelKind::Api,
                    name: text("App"),
                    assistant_id: OTHER.parse().unwrap(),
                }),
                done(
                    "ChannelCreated",
                    "channel.created",
                    "channel",
                    ID,
                    &format!(r#"{{"assistant_id":"{OTHER}","kind":"api","name":"App"}}"#),
                ),
            ),
            (
                stored(&ChannelDeleted { channel: bot, kind: ChannelKind::Api, name: text("App") }),
                done(
                    "ChannelDeleted",
                    "channel.deleted",
                    "channel",
                    ID,
                    r#"{"kind":"api","name":"App"}"#,
                ),
            ),
            (
                stored(&BotMovedAway { bot, username: username.clone() }),
                done("BotMovedAway", "bot.moved_away", "bot", ID, named),
            ),
            (
                stored(&BotUpdated { bot, username: username.clone(), mode }),
                done("BotUpdated", "bot.updated", "bot", ID, in_mode),
            ),
            (
                stored(&BotCommandsChanged {
                    bot,
                    username: username.clone(),
                    commands: vec![text("prices")],
                }),
                done(
                    "BotCommandsChanged",
                    "bot.commands_changed",
                    "bot",
                    ID,
                    r#"{"commands":["prices"],"username":"shop_bot"}"#,
                ),
            ),
            (
                stored(&BotStarted { bot, username: username.clone(), mode }),
                done("BotStarted", "bot.started", "bot", ID, in_mode),
            ),
            (
                stored(&BotStopped { bot, username: username.clone(), mode }),
                done("BotStopped", "bot.stopped", "bot", ID, in_mode),
            ),
            (
                stored(&BotDeleted { bot, username }),
                done("BotDeleted", "bot.deleted", "bot", ID, named),
            ),
            (
                stored(&DialogTakenOver { dialog }),
                done("DialogTakenOver", "dialog.taken_over", "dialog", ID, "{}"),
            ),
            (
                stored(&DialogHandedBack { dialog }),
                done("DialogHandedBack", "dialog.handed_back", "dialog", ID, "{}"),
            ),
            (
                stored(&DialogHandedOff { dialog }),
                done("DialogHandedOff", "dialog.handed_off", "dialog", ID, "{}"),
            ),
            (
                stored(&DialogAssigned { dialog, to: None }),
                done("DialogAssigned", "dialog.assigned", "dialog", ID, r#"{"to":null}"#),
            ),
            (
                stored(&DialogReopened { dialog }),
                done("DialogReopened", "dialog.reopened", "dialog", ID, "{}"),
            ),
            (
                stored(&DialogClosed { dialog }),
                done("DialogClosed", "dialog.closed", "dialog", ID, "{}"),
            ),
            (
                stored(&DialogReleased { dialog }),
                done("DialogReleased", "dialog.released", "dialog", ID, "{}"),
            ),
            (
                stored(&MessageActCorrected {
                    message: ID.parse().unwrap(),
                    dialog_id: dialog,
                    act: MessageAct::Thanks,
                }),
                done(
                    "MessageActCorrected",
                    "message.act_corrected",
                    "message",
                    ID,
                    &format!(r#"{{"act":"thanks","dialog_id":"{ID}"}}"#),
                ),
            ),
        ],
    );
}

#[test]
fn acts_of_platform_admins_are_stored_as_ever() {
    let user: UserId = ID.parse().unwrap();
    let workspace: WorkspaceId = ID.parse().unwrap();
    let model_key: ModelKeyId = ID.parse().unwrap();
    let email = text("a@example.org");
    let name = text("Shop");
    let provider = text("openai");
    let hint = text("sk-…1234");
    let mailed = r#"{"email":"a@example.org"}"#;
    let named = r#"{"name":"Shop"}"#;
    let hinted = r#"{"hint":"sk-…1234","name":"Shop","provider":"openai"}"#;

    check(
        &[PLATFORM],
        &[],
        &[
            (
                stored(&AdminCreated { user }),
                done("AdminCreated", "admin.created", "user", ID, "{}"),
            ),
            (
                stored(&AdminRoleChanged { user, is_admin: true }),
                done("AdminRoleChanged", "admin.role_changed", "user", ID, r#"{"is_admin":true}"#),
            ),
            (
                stored(&UserBlocked { user, email: email.clone() }),
                done("UserBlocked", "user.blocked", "user", ID, mailed),
            ),
            (
                stored(&UserUnblocked { user, email: email.clone() }),
                done("UserUnblocked", "user.unblocked", "user", ID, mailed),
            ),
            (
                stored(&UserDeleted { user, email: email.clone() }),
                done("UserDeleted", "user.deleted", "user", ID, mailed),
            ),
            (
                stored(&SecondFactorReset { user, email }),
                done("SecondFactorReset", "second_factor.reset", "user", ID, mailed),
            ),
            (
                stored(&WorkspaceSuspended { workspace, name: name.clone() }),
                done("WorkspaceSuspended", "workspace.suspended", "workspace", ID, named),
            ),
            (
                stored(&WorkspaceResumed { workspace, name: name.clone() }),
                done("WorkspaceResumed", "workspace.resumed", "workspace", ID, named),
            ),
            (
                stored(&AllowedModelsChanged {
                    workspace,
                    name: name.clone(),
                    allowed_models: Some(vec![text("extractive")]),
                }),
                done(
                    "AllowedModelsChanged",
                    "workspace.updated",
                    "workspace",
                    ID,
                    r#"{"allowed_models":["extractive"],"name":"Shop"}"#,
                ),
            ),
            (
                stored(&ModelKeyCreated {
                    model_key,
                    provider: provider.clone(),
                    name: name.clone(),
                    hint: hint.clone(),
                }),
                done("ModelKeyCreated", "model_key.created", "model_key", ID, hinted),
            ),
            (
                stored(&ModelKeyUpdated {
                    model_key,
                    name: name.clone(),
                    hint: hint.clone(),
                    enabled: false,
                    new_secret: true,
                }),
                done(
                    "ModelKeyUpdated",
                    "model_key.updated",
                    "model_key",
                    ID,
                    r#"{"enabled":false,"hint":"sk-…1234","name":"Shop","new_secret":true}"#,
                ),
            ),
            (
                stored(&ModelKeyDeleted { model_key, provider: provider.clone(), name, hint }),
                done("ModelKeyDeleted", "model_key.deleted", "model_key", ID, hinted),
            ),
            (
                stored(&ModelProviderSet {
                    model_provider: provider.clone(),
                    protocol: provider.clone(),
                    base_url: text("https://example.org/"),
                    dropped_keys: 1,
                }),
                done(
                    "ModelProviderSet",
                    "model_provider.set",
                    "model_provider",
                    "openai",
                    r#"{"base_url":"https://example.org/","dropped_keys":1,"protocol":"openai"}"#,
                ),
            ),
            (
                stored(&ModelProviderDeleted { model_provider: provider }),
                done(
                    "ModelProviderDeleted",
                    "model_provider.deleted",
                    "model_provider",
                    "openai",
                    "{}",
                ),
            ),
            (
                stored(&SettingChanged { setting: text("session_days"), value: text("9") }),
                done(
                    "SettingChanged",
                    "setting.changed",
                    "setting",
                    "session_days",
                    r#"{"value":"9"}"#,
                ),
            ),
            (
                stored(&SettingReset { setting: text("session_days") }),
                done("SettingReset", "setting.reset", "setting", "session_days", "{}"),
            ),
            (
                stored(&BalanceCredited {
                    workspace,
                    amount: Money::from_micros(5_000_000),
                    source: CreditSource::Transfer,
                    source_id: text("invoice 7"),
                    reason: text("paid by bank transfer"),
                }),
                done(
                    "BalanceCredited",
                    "balance.credited",
                    "workspace",
                    ID,
                    r#"{"amount":"5.00","reason":"paid by bank transfer","source":"transfer","source_id":"invoice 7"}"#,
                ),
            ),
            (
                stored(&BalanceRefunded {
                    workspace,
                    amount: Money::from_micros(5_000_000),
                    reason: text("the contract ended"),
                }),
                done(
                    "BalanceRefunded",
                    "balance.refunded",
                    "workspace",
                    ID,
                    r#"{"amount":"5.00","reason":"the contract ended"}"#,
                ),
            ),
            (
                stored(&BalanceCorrected {
                    workspace,
                    amount: Money::from_micros(-1),
                    reason: text("credited twice"),
                }),
                done(
                    "BalanceCorrected",
                    "balance.corrected",
                    "workspace",
                    ID,
                    r#"{"amount":"-0.000001","reason":"credited twice"}"#,
                ),
            ),
            (
                stored(&JobRetried { job: ID.parse().unwrap(), kind: text("send_mail") }),
                done("JobRetried", "job.retried", "job", ID, r#"{"kind":"send_mail"}"#),
            ),
            (
                stored(&JobCanceled { job: ID.parse().unwrap(), kind: text("send_mail") }),
                done("JobCanceled", "job.canceled", "job", ID, r#"{"kind":"send_mail"}"#),
            ),
            (
                stored(&PricesSet { prices: text("2"), in_force_from: at() }),
                done(
                    "PricesSet",
                    "prices.set",
                    "prices",
                    "2",
                    r#"{"in_force_from":"2027-01-15T08:00:00.500Z"}"#,
                ),
            ),
            (
                stored(&DollarRateSet {
                    dollar_rate: text("3"),
                    rate: Money::from_micros(90_500_000),
                    in_force_from: at(),
                }),
                done(
                    "DollarRateSet",
                    "dollar_rate.set",
                    "dollar_rate",
                    "3",
                    r#"{"in_force_from":"2027-01-15T08:00:00.500Z","rate":"90.50"}"#,
                ),
            ),
            (
                stored(&AuditRead { workspace }),
                done("AuditRead", "audit.read", "workspace", ID, "{}"),
            ),
        ],
    );
}

#[test]
fn an_entry_says_who_acted_and_from_where() {
    let user: UserId = ID.parse().unwrap();
    let key: ApiKeyId = ID.parse().unwrap();
    let id = Some(user.into_uuid());
    let email = "a@example.org";
    let here = "127.0.0.1";
    let actors = [
        (Actor::user(user, email, here), ActorKind::User, id, email, here),
        (Actor::admin(user, email, here), ActorKind::Admin, id, email, here),
        (Actor::api_key(key, "Shop", here), ActorKind::ApiKey, id, "Shop", here),
        (Actor::nobody(email, here), ActorKind::Nobody, None, email, here),
        (Actor::command_line(), ActorKind::Admin, None, "command line", ""),
        (Actor::system(), ActorKind::System, None, "", ""),
    ];

    for (actor, kind, id, name, address) in actors {
        let act = actor.did(&UserBlocked { user, email: text(email) }, at());
        let expected = audit::Act {
            at: at(),
            actor: kind,
            actor_id: id,
            actor_name: text(name),
            action: text("user.blocked"),
            target: text("user"),
            target_id: Some(text(ID)),
            address: text(address),
            outcome: Outcome::Done,
            details: json!({"email": email}),
        };
        assert_eq!(act, expected);
        assert_eq!(actor.name(), name);
    }
}

#[test]
fn acts_on_what_operators_sort_and_answer_with_are_stored_as_ever() {
    let tag: TagId = ID.parse().unwrap();
    let canned_reply: CannedReplyId = ID.parse().unwrap();
    let name = text("refund");
    let shortcut = text("hi");
    let named = r#"{"name":"refund"}"#;
    let short = r#"{"shortcut":"hi"}"#;

    check(
        &[INBOX],
        &[],
        &[
            (
                stored(&TagCreated { tag, name: name.clone() }),
                done("TagCreated", "tag.created", "tag", ID, named),
            ),
            (
                stored(&TagRenamed { tag, name: name.clone() }),
                done("TagRenamed", "tag.renamed", "tag", ID, named),
            ),
            (
                stored(&TagDeleted { tag, name }),
                done("TagDeleted", "tag.deleted", "tag", ID, named),
            ),
            (
                stored(&CannedReplyCreated { canned_reply, shortcut: shortcut.clone() }),
                done("CannedReplyCreated", "canned_reply.created", "canned_reply", ID, short),
            ),
            (
                stored(&CannedReplyUpdated { canned_reply, shortcut: shortcut.clone() }),
                done("CannedReplyUpdated", "canned_reply.updated", "canned_reply", ID, short),
            ),
            (
                stored(&CannedReplyDeleted { canned_reply, shortcut }),
                done("CannedReplyDeleted", "canned_reply.deleted", "canned_reply", ID, short),
            ),
        ],
    );
}
