//! What clients are told when a dialog cannot be changed.

use chrono::{DateTime, Utc};
use replyx_core::{dialog::Operator, ids::UserId, message::Message};
use replyx_engine::{
    assignment::AssignError, attention::AttentionError, bulk::BulkError, canned::CannedError,
    control::ControlError, drafts::DraftError, inbox_views::ViewsError, presence::PresenceError,
    replies::WriteError, tags::TagError, update::UpdateError, uploads::UploadError,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ApiError;

/// An operator, as clients see one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Operator)]
pub struct OperatorView {
    /// The member; `null` for a program with an API key and for a deleted account.
    pub user_id: Option<Uuid>,
    /// The name that colleagues see.
    #[schema(example = "Kim")]
    pub name: String,
}

impl From<Operator> for OperatorView {
    fn from(operator: Operator) -> Self {
        let user_id = operator.user_id.map(UserId::into_uuid);
        Self { user_id, name: operator.name }
    }
}

/// A colleague's reply that the client has not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NewerReply, example = json!({
    "id": "019a8c5e-3f00-7c41-9d52-6a0c6f1e2b7d", "seq": 7, "text": "Your parcel is on its way.",
    "operator": {"user_id": null, "name": "Kim"}, "created_at": "2026-03-14T09:26:53.589793Z"
}))]
pub struct NewerReplyView {
    /// The message.
    id: Uuid,
    /// Its place in the dialog.
    #[schema(example = 7)]
    seq: i64,
    #[schema(example = "Your parcel is on its way.")]
    text: String,
    operator: Option<OperatorView>,
    created_at: DateTime<Utc>,
}

impl From<Message> for NewerReplyView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.into_uuid(),
            seq: message.seq,
            text: message.text,
            operator: message.operator.map(OperatorView::from),
            created_at: message.created_at,
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let detail = error.to_string();
        match error {
            ControlError::Missing => Self::NotFound("dialog"),
            ControlError::NotYours { holder } => {
                Self::NotYours { detail, holder: holder.map(OperatorView::from) }
            }
            ControlError::Closed => Self::Conflict { code: "closed", detail },
            ControlError::NotClosed(_) | ControlError::Followed => {
                Self::Conflict { code: "not_closed", detail }
            }
            ControlError::NotWaiting(_) => Self::Conflict { code: "not_waiting", detail },
            ControlError::Storage(error) => error.into(),
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Full { .. } => {
                Self::Conflict { code: "workspace_full", detail: error.to_string() }
            }
            UploadError::NoDocument => Self::NotFound("document"),
            UploadError::NoOriginal => Self::Absent {
                code: "no_original",
                detail: "the document was not uploaded as a file: it is a page or an answer",
            },
            UploadError::Storage(error) => error.into(),
        }
    }
}

impl From<AssignError> for ApiError {
    fn from(error: AssignError) -> Self {
        let detail = error.to_string();
        match error {
            AssignError::Control(error) => error.into(),
            AssignError::NoOperator(_) => Self::field("assignee_id", detail),
            AssignError::Storage(error) => error.into(),
        }
    }
}

impl From<UpdateError> for ApiError {
    fn from(error: UpdateError) -> Self {
        let detail = error.to_string();
        match error {
            UpdateError::Assign(error) => error.into(),
            UpdateError::Control(error) => error.into(),
            UpdateError::Snooze(_) => Self::Conflict { code: "not_held", detail },
            UpdateError::NoTag(_) => Self::field("tags", detail),
            UpdateError::Storage(error) => error.into(),
        }
    }
}

impl From<BulkError> for ApiError {
    fn from(error: BulkError) -> Self {
        let detail = error.to_string();
        match error {
            BulkError::Update(UpdateError::NoTag(_)) | BulkError::TooManyTags => {
                Self::field("add_tags", detail)
            }
            BulkError::Update(error) => error.into(),
            BulkError::ChangedSince | BulkError::NothingToUndo => {
                Self::Conflict { code: "nothing_to_undo", detail }
            }
        }
    }
}

impl From<TagError> for ApiError {
    fn from(error: TagError) -> Self {
        let detail = error.to_string();
        match error {
            TagError::Missing => Self::NotFound("tag"),
            TagError::Changed => Self::PreconditionFailed,
            TagError::Exists(_) => Self::Conflict { code: "tag_exists", detail },
            TagError::TooMany => Self::Conflict { code: "too_many_tags", detail },
            TagError::Storage(error) => error.into(),
        }
    }
}

impl From<CannedError> for ApiError {
    fn from(error: CannedError) -> Self {
        let detail = error.to_string();
        match error {
            CannedError::Missing => Self::NotFound("canned reply"),
            CannedError::NoDialog => Self::NotFound("dialog"),
            CannedError::Changed => Self::PreconditionFailed,
            CannedError::Unknown(_) => Self::field("text", detail),
            CannedError::Exists(_) => Self::Conflict { code: "shortcut_taken", detail },
            CannedError::TooMany => Self::Conflict { code: "too_many_canned_replies", detail },
            CannedError::Storage(error) => error.into(),
        }
    }
}

/// Refused to a program with a key: only a person does it.
const NO_PERSON: ApiError = ApiError::Refused {
    code: "session_required",
    detail: "this requires a signed-in user, not an API key",
};

impl From<DraftError> for ApiError {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::NoPerson => NO_PERSON,
            DraftError::Missing => Self::NotFound("dialog"),
            DraftError::Storage(error) => error.into(),
        }
    }
}

impl From<AttentionError> for ApiError {
    fn from(error: AttentionError) -> Self {
        match error {
            AttentionError::NoPerson => NO_PERSON,
            AttentionError::Missing => Self::NotFound("dialog"),
            AttentionError::Storage(error) => error.into(),
        }
    }
}

impl From<ViewsError> for ApiError {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::NoPerson => NO_PERSON,
            ViewsError::Changed => Self::PreconditionFailed,
            ViewsError::Storage(error) => error.into(),
        }
    }
}

impl From<PresenceError> for ApiError {
    fn from(error: PresenceError) -> Self {
        match error {
            PresenceError::NoPerson => NO_PERSON,
            PresenceError::Storage(error) => error.into(),
        }
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        let detail = error.to_string();
        match error {
            WriteError::Control(error) => error.into(),
            WriteError::Blocked => Self::Conflict { code: "contact_blocked", detail },
            WriteError::ClientIdTaken => Self::Conflict { code: "client_id_taken", detail },
            WriteError::ChannelGone => Self::Conflict { code: "channel_deleted", detail },
            WriteError::NewerReply(message) => Self::NewerReply(Box::new((*message).into())),
            WriteError::NoFile => Self::NotFound("attachment"),
            WriteError::File(error) => error.into(),
            WriteError::NoMessage => Self::NotFound("message"),
            WriteError::NotFailed => Self::Conflict { code: "not_failed", detail },
            WriteError::NoMember(_) => Self::field("mentions", detail),
            WriteError::Storage(error) => error.into(),
        }
    }
}
