//! `GET /api/v1/dialogs/{id}/messages`

use axum::extract::State;
use chrono::{DateTime, Utc};
use replyx_core::{
    channel::Quoted,
    ids::{DialogId, UserId},
    message::{
        self, AnswerMeta, Author, CheckOutcome, Citation, Delivery, Message, MessageAct,
        MessageKind, Revision,
    },
    permission::Permission,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    attachments::AttachmentView,
    caller::{Authorized, Caller, DialogsRead},
    error::{ApiError, ApiResult, OperatorView, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
};

/// An utterance, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView {
    id: Uuid,
    /// Its place in the dialog, from 1 without gaps.
    #[schema(example = 2)]
    seq: i64,
    /// `customer`, `assistant`, `operator` or `system`.
    #[schema(example = "customer")]
    author: Author,
    /// `text`, `start`, `unsupported` (then the text names what it was), `control` (who may speak
    /// changed; the text names the step, such as `take_over`) or `note` (of operators, never sent).
    #[schema(example = "text")]
    kind: MessageKind,
    #[schema(example = "You may return an item within 30 days.")]
    text: String,
    /// The earlier words that a customer's message is about, where they replied to a message;
    /// `null` elsewhere.
    quoted: Option<QuotedView>,
    /// What a customer's message said before it was edited, oldest first: the first text and the
    /// last ones, at most ten.
    #[schema(max_items = 10)]
    revisions: Vec<RevisionView>,
    /// `none` (nothing to deliver), `queued`, `delivered`, `failed` or `canceled` (somebody took
    /// over before all of it was sent).
    #[schema(example = "delivered")]
    delivery: Delivery,
    /// How an assistant's reply was made; `null` for other authors.
    answer: Option<AnswerView>,
    /// The operator who wrote it or changed control; `null` for other authors.
    operator: Option<OperatorView>,
    /// The members whom a note wants to read it.
    #[schema(example = json!([]))]
    mentions: Vec<Uuid>,
    /// What a customer's message was taken for; `null` until it was answered, and for other
    /// authors.
    #[schema(example = "question")]
    act: Option<MessageAct>,
    /// Files that came with it.
    attachments: Vec<AttachmentView>,
    created_at: DateTime<Utc>,
}

/// Words of an earlier message to which a customer points.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuotedView {
    #[schema(example = "Do you deliver to Finland?")]
    text: String,
    /// Whether the assistant or an operator said them.
    #[schema(example = false)]
    ours: bool,
}

impl From<Quoted> for QuotedView {
    fn from(quoted: Quoted) -> Self {
        Self { text: quoted.text, ours: quoted.ours }
    }
}

/// What a message said before its author edited it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionView {
    #[schema(example = "Do you deliver to Sweden?")]
    text: String,
    /// When it was replaced.
    until: DateTime<Utc>,
}

impl From<Revision> for RevisionView {
    fn from(revision: Revision) -> Self {
        Self { text: revision.text, until: revision.until }
    }
}

/// How an assistant's reply was made.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own for clients")]
pub struct AnswerView {
    /// `answered`, `unknown` (not in the documents), `fallback` (no model) or `fixed`.
    #[schema(example = "answered")]
    outcome: message::Outcome,
    /// The provider of the model; empty if none was called.
    #[schema(example = "extractive")]
    provider: String,
    /// The model that wrote it.
    #[schema(example = "extractive")]
    model: String,
    /// The number of model calls, including failed ones.
    #[schema(example = 1)]
    attempts: u32,
    /// Tokens read by the model.
    #[schema(example = 812)]
    prompt_tokens: u64,
    /// Tokens written by the model.
    #[schema(example = 24)]
    completion_tokens: u64,
    /// The provider's charge for them, in US dollars, as a decimal number.
    #[schema(example = "0.00042")]
    cost: String,
    /// From the start of the turn to the stored reply, milliseconds.
    #[schema(example = 240)]
    duration_ms: u64,
    /// From asking the model to its first word, milliseconds.
    first_token_ms: Option<u64>,
    /// The passages that the answer is based on, best first.
    citations: Vec<CitationView>,
    /// `passed`, `regenerated` (the second answer passed), `failed` or `skipped`.
    #[schema(example = "passed")]
    check: CheckOutcome,
    /// Statements that the check did not find in the sources.
    #[schema(example = json!([]))]
    objections: Vec<String>,
    /// The self-contained question that was searched for, where it is not the customer's.
    #[schema(example = "How long does delivery to Finland take?")]
    searched: Option<String>,
    /// The assistant's version that answered; `null` for a draft.
    #[schema(example = 2)]
    version: Option<i64>,
    /// What the customer's message was taken for.
    #[schema(example = "question")]
    act: Option<MessageAct>,
    /// Whether a human was offered: `yes` brings one in.
    #[schema(example = false)]
    offered: bool,
    /// Whether it came after the fallback text, once a model was back.
    #[schema(example = false)]
    late: bool,
    /// Whether it is a kept answer: what another customer was answered to the same question.
    #[schema(example = false)]
    kept: bool,
    /// Whether it was quoted as what may help: the assistant said that it is not sure.
    #[schema(example = false)]
    unsure: bool,
}

/// A passage that an answer is based on.
#[derive(Debug, Serialize, ToSchema)]
pub struct CitationView {
    document_id: Uuid,
    passage_id: Uuid,
    /// The document's title and the headings above the passage.
    #[schema(example = "returns.en.md > Returns")]
    title: String,
    /// The page of the original, from 1, where the format has pages.
    page: Option<i64>,
    /// Where the passage begins in the document's text, bytes.
    #[schema(example = 120)]
    start: i64,
    /// Where it ends, bytes, exclusive.
    #[schema(example = 158)]
    end: i64,
}

impl MessageView {
    fn of(message: Message, attachments: Vec<AttachmentView>) -> Self {
        Self {
            attachments,
            id: message.id.into_uuid(),
            seq: message.seq,
            author: message.author,
            kind: message.kind,
            text: message.text,
            quoted: message.quoted.map(QuotedView::from),
            revisions: message.revisions.into_iter().map(RevisionView::from).collect(),
            delivery: message.delivery,
            answer: message.answer.map(AnswerView::from),
            operator: message.operator.map(OperatorView::from),
            mentions: message.mentions.into_iter().map(UserId::into_uuid).collect(),
            act: message.act,
            created_at: message.created_at,
        }
    }
}

impl From<AnswerMeta> for AnswerView {
    fn from(answer: AnswerMeta) -> Self {
        Self {
            outcome: answer.outcome,
            provider: answer.provider,
            model: answer.model,
            attempts: answer.attempts,
            prompt_tokens: answer.prompt_tokens,
            completion_tokens: answer.completion_tokens,
            cost: answer.cost.to_string(),
            duration_ms: answer.duration_ms,
            first_token_ms: answer.first_token_ms,
            citations: answer.citations.into_iter().map(CitationView::from).collect(),
            check: answer.check,
            objections: answer.objections,
            searched: answer.searched,
            version: answer.version,
            act: answer.act,
            offered: answer.offered,
            late: answer.late,
            kept: answer.kept,
            unsure: answer.unsure,
        }
    }
}

impl From<Citation> for CitationView {
    fn from(citation: Citation) -> Self {
        Self {
            document_id: citation.document_id.into_uuid(),
            passage_id: citation.passage_id.into_uuid(),
            title: citation.title,
            page: citation.page,
            start: citation.start,
            end: citation.end,
        }
    }
}

/// Lists the messages of a dialog, oldest first. A key that may read and not answer (`dialogs:read`
/// without `dialogs:write`) gets what the customer may see: no notes and no changes of control.
#[utoipa::path(
    get, path = "/dialogs/{id}/messages", operation_id = "list_messages", tag = "dialogs",
    params(("id" = Uuid, Path), PageQuery),
    responses(
        (status = 200, description = "a page of messages", body = List<MessageView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such dialog", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.messages", skip_all, fields(dialog.id = %id))]
pub async fn messages(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<DialogId>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<MessageView>> {
    let page = query.request()?;
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).dialogs().find(id).await?;
    found.ok_or(ApiError::NotFound("dialog"))?;
    let messages = tx.workspace(caller.workspace_id).messages();
    let page = if is_colleague(&caller) {
        messages.list(id, page).await?
    } else {
        messages.shown(id, page).await?
    };

    let mut files = match (page.items.first(), page.items.last()) {
        (Some(first), Some(last)) => {
            let attachments = tx.workspace(caller.workspace_id).attachments();
            attachments.of_messages(id, first.seq, last.seq).await?
        }
        _ => Vec::new(),
    };
    Ok(List::of(page, |message: Message| {
        let own = files.extract_if(.., |file| file.message_id == message.id);
        let own = own.map(AttachmentView::from).collect();
        MessageView::of(message, own)
    }))
}

/// A message with the files that came with it.
pub(super) async fn shown(state: &AppState, message: Message) -> ApiResult<MessageView> {
    let mut tx = state.db().read().await?;
    let attachments = tx.workspace(message.workspace_id).attachments();
    let files = attachments.of_messages(message.dialog_id, message.seq, message.seq).await?;
    Ok(MessageView::of(message, files.into_iter().map(AttachmentView::from).collect()))
}

/// Does the caller see what operators tell each other? People do, and programs that may answer.
pub(super) fn is_colleague(caller: &Caller) -> bool {
    caller.user_id().is_some() || caller.place().permissions.allow(Permission::DialogsWrite)
}
