//! A user as stored, alone or in a join.

use chrono::{DateTime, Utc};
use replyx_core::user::{Notifications, User};
use uuid::Uuid;

use crate::StorageError;

/// The columns of [`Row`], from a table or a join in which `users` is `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.name, u.language, u.is_admin, u.totp_confirmed_at, u.blocked_at, u.delete_at,
         u.created_at, u.notify_request, u.notify_sla, u.notify_mention"
    };
}
pub(crate) use user_columns;

/// A user as stored.
#[derive(crate::FromRow)]
pub(crate) struct Row {
    id: Uuid,
    email: String,
    name: Option<String>,
    language: String,
    is_admin: bool,
    totp_confirmed_at: Option<DateTime<Utc>>,
    blocked_at: Option<DateTime<Utc>>,
    delete_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    #[row(flatten)]
    notifications: NotificationsRow,
}

/// What of the inboxes the user is written mail about, as stored.
#[derive(crate::FromRow)]
struct NotificationsRow {
    notify_request: bool,
    notify_sla: bool,
    notify_mention: bool,
}

/// The user of a row.
pub(crate) fn read(row: Row) -> Result<User, StorageError> {
    Ok(User {
        id: row.id.into(),
        email: row.email,
        name: row.name,
        language: row.language.parse().map_err(StorageError::corrupt("users"))?,
        notifications: Notifications {
            request: row.notifications.notify_request,
            sla: row.notifications.notify_sla,
            mention: row.notifications.notify_mention,
        },
        is_admin: row.is_admin,
        second_factor: row.totp_confirmed_at.is_some(),
        blocked_at: row.blocked_at,
        delete_at: row.delete_at,
        created_at: row.created_at,
    })
}
