//! `GET` and `PUT /api/v1/inbox-views`

use axum::extract::State;
use garde::Validate;
use replyx_core::dialog::Control;
use replyx_engine::inbox_views;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::{InboxView, Order};
use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, plain_name},
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
};

/// A member has at most so many views.
const MOST: usize = 50;

/// A filter of the inbox under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SavedInboxView)]
pub struct SavedView {
    /// The name.
    #[garde(length(chars, min = 1, max = 50), custom(plain_name))]
    #[schema(min_length = 1, max_length = 50, example = "Refunds that wait")]
    name: String,
    /// The parameters of `GET dialogs` that make it.
    #[garde(dive)]
    #[serde(default)]
    query: SavedQuery,
}

/// Parameters of `GET dialogs`, without those of its pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = SavedInboxQuery)]
#[garde(allow_unvalidated)]
pub struct SavedQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "waiting")]
    view: Option<InboxView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assistant_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<Uuid>,
    /// `me`, `none`, or the id of a member.
    #[garde(inner(custom(assignee)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(me|none|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12})$", example = "me")]
    assignee_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn assignee(text: &str, (): &()) -> garde::Result {
    if matches!(text, "me" | "none") || text.parse::<Uuid>().is_ok_and(|id| id.to_string() == text)
    {
        return Ok(());
    }
    Err(garde::Error::new("must be `me`, `none` or an id"))
}

/// Your views of the inbox, in your order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboxViews)]
pub struct Views {
    /// At most 50; no two have one name.
    #[garde(length(max = MOST), dive)]
    #[schema(max_items = 50)]
    views: Vec<SavedView>,
}

impl Views {
    fn check(&self) -> ApiResult<()> {
        let named = self.views.iter().map(|view| view.name.trim().to_lowercase());
        let mut names: Vec<String> = named.collect();
        if names.iter().any(String::is_empty) {
            return Err(ApiError::field("views", "a name must not be blank"));
        }
        names.sort_unstable();
        names.dedup();
        if names.len() < self.views.len() {
            return Err(ApiError::field("views", "no two views may have one name"));
        }
        Ok(())
    }

    /// What is stored: where this version cannot read it, there are none.
    fn read(stored: Option<&str>) -> Self {
        stored
            .and_then(|stored| serde_json::from_str(stored).ok())
            .unwrap_or(Self { views: Vec::new() })
    }

    fn tagged(self) -> Tagged<Self> {
        Tagged::new(Edition::of(&self), self)
    }
}

/// Shows your views of the inbox. Nobody else sees them, and a program with an API key has none.
#[utoipa::path(
    get, path = "/inbox-views", operation_id = "read_inbox_views", tag = "dialogs",
    responses(
        (status = 200, description = "your views", body = Views),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.read_views", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
) -> ApiResult<Tagged<Views>> {
    let stored = inbox_views::find(&state.engine, &caller).await?;
    Ok(Views::read(stored.as_deref()).tagged())
}

/// Keeps your views of the inbox in place of those before. They go with your membership.
#[utoipa::path(
    put, path = "/inbox-views", operation_id = "set_inbox_views", tag = "dialogs",
    request_body = Views,
    responses(
        (status = 200, description = "your views as they are now", body = Views),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this, or you use a key: `session_required`", body = Problem),
        (status = 412, description = "they were changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.dialogs.set_views", skip_all)]
pub async fn set(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    expected: IfMatch,
    Body(request): Body<Views>,
) -> ApiResult<Tagged<Views>> {
    request.check()?;
    let text = serde_json::to_string(&request).map_err(|error| ApiError::Internal(error.into()))?;
    let is_as_read =
        |stored: Option<&str>| expected.check(&Edition::of(&Views::read(stored))).is_ok();
    inbox_views::put(&state.engine, &caller, text, is_as_read).await?;
    Ok(request.tagged())
}
