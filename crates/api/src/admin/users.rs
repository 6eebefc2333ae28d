//! All users.

pub mod block;
pub mod delete;
pub mod list;
pub mod read;
pub mod second_factor;
pub mod unblock;

use chrono::{DateTime, Utc};
use replyx_core::{ids::UserId, user::User};
use replyx_storage::Tx;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult},
};

use crate::words::LanguageWord;

/// A user, as an admin sees one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUserView {
    /// Identity.
    id: Uuid,
    /// The e-mail address.
    #[schema(example = "owner@example.org")]
    email: String,
    /// What they are called.
    #[schema(example = "Anna")]
    name: Option<String>,
    /// The language of their mail.
    #[schema(value_type = LanguageWord, example = "en")]
    language: &'static str,
    /// Have they power over the installation?
    is_admin: bool,
    /// Is a second factor asked for at sign-in?
    second_factor: bool,
    /// Since when they may not sign in.
    blocked_at: Option<DateTime<Utc>>,
    /// When the account will be deleted.
    delete_at: Option<DateTime<Utc>>,
    /// When the account was made.
    created_at: DateTime<Utc>,
}

impl From<User> for AdminUserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into_uuid(),
            email: user.email,
            name: user.name,
            language: user.language.as_str(),
            is_admin: user.is_admin,
            second_factor: user.second_factor,
            blocked_at: user.blocked_at,
            delete_at: user.delete_at,
            created_at: user.created_at,
        }
    }
}

/// The user that an act is about.
///
/// # Errors
///
/// 404 when there is none.
async fn find(tx: &mut Tx, id: UserId) -> ApiResult<User> {
    tx.system().users().find(id).await?.ok_or(ApiError::NotFound("user"))
}

/// Refuses what admins might do to themselves by mistake, and regret with nobody left to undo it.
fn not_yourself(admin: &Admin, user: UserId) -> ApiResult<()> {
    if admin.user_id() != Some(user) {
        return Ok(());
    }
    let detail = "an admin cannot do this to their own account".to_owned();
    Err(ApiError::Conflict { code: "yourself", detail })
}
