//! `GET /api/v1/dialogs`

use std::{collections::HashMap, str::FromStr};

use axum::extract::State;
use chrono::{DateTime, Utc};
use replyx_core::{
    dialog::Control,
    ids::{DialogId, MessageId, UserId},
    message::{Author, MessageKind},
};
use replyx_engine::dialog_terms;
use replyx_storage::{
    dialog_terms::Finders,
    inbox::{
        Assigned, InboxEntry, InboxFilter, InboxOrder, LastMessage, MOST_WORDS, Reader,
        SearchWords, Snoozed,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    DialogView,
    marks::{self, DialogTagView, MarksView},
    messages::is_colleague,
    read::ContactView,
};
use crate::{
    caller::{Authorized, Caller, DialogsRead},
    error::{ApiError, ApiResult, Problem},
    input::Params,
    page::{List, PageQuery, QueueCursor},
    state::AppState,
};

/// The longest text that is searched for, characters.
const LONGEST: usize = 200;

/// A view of the inbox: a filter that operators use all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InboxView {
    /// You have them, and want to see them now.
    Mine,
    /// They wait for a human.
    Waiting,
    /// The assistant answers.
    Ai,
    /// They wait for a human, or have one who is not a member.
    Unassigned,
    /// You have them, and do not want to see them until a time.
    Snoozed,
    /// They are over.
    Closed,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InboxOrder)]
pub enum Order {
    /// The newest dialog first.
    #[default]
    Newest,
    /// The last thing said first.
    Activity,
    /// The longest waiting first; only dialogs that wait for a human.
    Waiting,
}

/// Which dialogs, and in which order.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// `mine`, `waiting`, `ai`, `unassigned`, `snoozed` or `closed`; narrowed by the other filters.
    #[param(inline)]
    view: Option<InboxView>,
    /// Only those in this control.
    control: Option<Control>,
    /// Only those of this assistant.
    assistant_id: Option<Uuid>,
    /// Only those of this channel.
    channel_id: Option<Uuid>,
    /// `me`, `none`, or the id of a member.
    #[param(pattern = "^(me|none|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12})$", example = "me")]
    assignee_id: Option<String>,
    /// Only those with this tag, by its id.
    tag: Option<Uuid>,
    /// Only those with all these words, up to 8, in any form, in their messages or the contact's
    /// name; in notes, too, if you may read them. New words are found after some seconds. A page
    /// may be short of `limit` and have a next one all the same. By `activity`, only the newest
    /// 5,000 dialogs with the rarest word are ordered.
    #[param(min_length = 1, max_length = 200, example = "refund courier")]
    q: Option<String>,
    /// `true`: only those in which the customer has written something that you have not read.
    unread: Option<bool>,
    /// `newest` (unless set), `activity` or `waiting`.
    #[param(inline)]
    order: Option<Order>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page, in the same order.
    cursor: Option<String>,
}

/// A dialog in the inbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboxDialog)]
pub struct Item {
    #[serde(flatten)]
    dialog: DialogView,
    contact: ContactView,
    /// The last message; `null` before the first, and where it is one that you may not see.
    last_message: Option<LastMessageView>,
    /// How many of the customer's last messages you have not read; at most 100.
    #[schema(example = 1)]
    unread: i64,
    #[serde(flatten)]
    marks: MarksView,
}

/// The last message of a dialog.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastMessage)]
pub struct LastMessageView {
    #[schema(example = 2)]
    seq: i64,
    author: Author,
    kind: MessageKind,
    /// The first 200 characters.
    #[schema(example = "You may return an item within 30 days.")]
    text: String,
    created_at: DateTime<Utc>,
}

impl From<LastMessage> for LastMessageView {
    fn from(last: LastMessage) -> Self {
        Self {
            seq: last.seq,
            author: last.author,
            kind: last.kind,
            text: last.text,
            created_at: last.created_at,
        }
    }
}

impl Item {
    fn of(
        entry: InboxEntry,
        tags: &mut HashMap<DialogId, Vec<DialogTagView>>,
        caller: &Caller,
    ) -> Self {
        let seen = |last: &LastMessage| last.kind.is_shown() || is_colleague(caller);
        let tags = tags.remove(&entry.dialog.id).unwrap_or_default();
        Self {
            contact: ContactView::of(&entry),
            last_message: entry.last.filter(seen).map(LastMessageView::from),
            unread: entry.unread,
            marks: MarksView::new(tags, entry.snoozed_until),
            dialog: entry.dialog.into(),
        }
    }
}

/// Lists the dialogs.
#[utoipa::path(
    get, path = "/dialogs", operation_id = "list_dialogs", tag = "dialogs",
    params(Query),
    responses(
        (status = 200, description = "a page of dialogs", body = List<Item>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Params(query): Params<Query>,
) -> ApiResult<List<Item>> {
    let filter = filter(&query, caller.user_id())?;
    let page = PageQuery { limit: query.limit, cursor: None }.request::<DialogId>()?;
    let kind = query.order.unwrap_or_default();
    let order = order(kind, query.cursor.as_deref())?;
    let words = query.q.as_deref().map(|text| words(text, &caller)).transpose()?;

    let workspace = caller.workspace_id;
    let now = state.engine.clock.now();
    let mut tx = state.db().read().await?;
    let reader = Reader { member: caller.user_id(), now };
    let inbox = tx.workspace(workspace).inbox();
    let found = match words {
        Some(words) => inbox.search(reader, filter, order, page.limit, words).await?,
        None => inbox.list(reader, filter, order, page.limit).await?,
    };
    let ids: Vec<DialogId> = found.items.iter().map(|entry| entry.dialog.id).collect();
    let mut tags = marks::tags(&mut tx, workspace, &ids).await?;

    let last = found.items.last().filter(|_| found.next.is_some());
    let next_cursor = match kind {
        // A search may have looked further than at the last dialog that it found.
        Order::Newest => found.next.map(|next| next.to_string()),
        Order::Activity | Order::Waiting => last.map(|entry| cursor(kind, entry)),
    };
    let items = found.items.into_iter().map(|entry| Item::of(entry, &mut tags, &caller)).collect();
    Ok(List { items, next_cursor })
}

/// The words to search for: notes are found by those who may read them.
fn words(text: &str, caller: &Caller) -> ApiResult<SearchWords> {
    if text.chars().count() > LONGEST {
        let detail = format!("`q` is longer than {LONGEST} characters");
        return Err(ApiError::Malformed(detail));
    }
    let finders = if is_colleague(caller) { Finders::Colleagues } else { Finders::Everybody };
    dialog_terms::asked(text, finders)
        .ok_or_else(|| ApiError::Malformed(format!("`q` has no word, or more than {MOST_WORDS}")))
}

fn filter(query: &Query, reader: Option<UserId>) -> ApiResult<InboxFilter> {
    let mut filter = InboxFilter {
        control: query.control,
        assigned: assigned(query.assignee_id.as_deref(), reader)?,
        assistant: query.assistant_id.map(Into::into),
        channel: query.channel_id.map(Into::into),
        unread: query.unread.unwrap_or_default(),
        tag: query.tag.map(Into::into),
        with_people: false,
        snoozed: Snoozed::Any,
    };
    let mine = Assigned::To(reader.unwrap_or_else(|| Uuid::nil().into()));

    let control = match query.view {
        None => filter.control,
        Some(InboxView::Mine) => {
            filter.assigned = mine;
            filter.snoozed = Snoozed::No;
            Some(Control::Human)
        }
        Some(InboxView::Snoozed) => {
            filter.assigned = mine;
            filter.snoozed = Snoozed::Yes;
            Some(Control::Human)
        }
        Some(InboxView::Waiting) => Some(Control::Waiting),
        Some(InboxView::Ai) => Some(Control::Ai),
        Some(InboxView::Closed) => Some(Control::Closed),
        Some(InboxView::Unassigned) => {
            filter.assigned = Assigned::Nobody;
            filter.with_people = true;
            filter.control
        }
    };

    if query.control.is_some() && control != query.control {
        let detail = "`control` contradicts `view`".to_owned();
        return Err(ApiError::Malformed(detail));
    }
    Ok(InboxFilter { control, ..filter })
}

fn assigned(named: Option<&str>, reader: Option<UserId>) -> ApiResult<Assigned> {
    match named {
        None => Ok(Assigned::Any),
        Some("none") => Ok(Assigned::Nobody),
        Some("me") => Ok(Assigned::To(reader.unwrap_or_else(|| Uuid::nil().into()))),
        Some(id) => {
            let wrong = |_| ApiError::Malformed("`assignee_id` is not valid".to_owned());
            Ok(Assigned::To(id.parse().map_err(wrong)?))
        }
    }
}

fn order(order: Order, cursor: Option<&str>) -> ApiResult<InboxOrder> {
    Ok(match order {
        Order::Newest => InboxOrder::Newest { after: read(cursor)? },
        Order::Activity => InboxOrder::Activity { after: read(cursor)? },
        Order::Waiting => {
            let after = read(cursor)?.map(|QueueCursor { since, dialog }| (since, dialog));
            InboxOrder::Waiting { after }
        }
    })
}

fn read<T: FromStr>(cursor: Option<&str>) -> ApiResult<Option<T>> {
    let wrong = |_| ApiError::Malformed("`cursor` is not valid".to_owned());
    cursor.map(|cursor| cursor.parse().map_err(wrong)).transpose()
}

fn cursor(order: Order, entry: &InboxEntry) -> String {
    let dialog = &entry.dialog;
    match order {
        Order::Newest => dialog.id.to_string(),
        Order::Activity => {
            let last = entry.last.as_ref().map_or(MessageId::from(Uuid::nil()), |last| last.id);
            last.to_string()
        }
        Order::Waiting => {
            let since = dialog.asking_since.unwrap_or(dialog.created_at);
            QueueCursor { since, dialog: dialog.id }.to_string()
        }
    }
}
