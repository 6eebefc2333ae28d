//! Where somebody is signed in.

use chrono::{DateTime, Utc};
use replyx_core::{ids::SessionId, session::Session};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Identity.
    id: Uuid,
    /// From where: the client's address.
    #[schema(example = "192.0.2.7")]
    address: String,
    /// With what: the client's own words.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")]
    user_agent: String,
    /// When it happened.
    created_at: DateTime<Utc>,
    /// When it was last renewed.
    last_used_at: DateTime<Utc>,
    /// When it expires unless renewed.
    expires_at: DateTime<Utc>,
    /// Whether it is the current session.
    #[schema(example = true)]
    current: bool,
}

impl SessionView {
    /// A session, as seen from another or from itself.
    pub(crate) fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.into_uuid(),
            address: session.address,
            user_agent: session.user_agent,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            current: session.id == current,
        }
    }
}
