//! What happens to sessions: the places where somebody is signed in.

use chrono::{DateTime, Utc};

use crate::{
    act::{Actor, OtherSessionsRevoked, SessionClosed, SessionOpened, SessionRevoked},
    change::{Change, New},
    ids::{SessionId, UserId},
    session::Session,
    user::User,
};

#[cfg(test)]
mod tests;

/// A session with what is stored of its first refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedSession {
    /// The session.
    pub session: Session,
    /// The hash of the token.
    pub refresh_hash: String,
}

/// A session that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Whose it was.
    pub user_id: UserId,
    /// The session.
    pub id: SessionId,
    /// When it ended.
    pub at: DateTime<Utc>,
}

/// All sessions of a user but one have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OthersEnded {
    /// The user.
    pub user_id: UserId,
    /// The session that goes on.
    pub kept: SessionId,
    /// When the others ended.
    pub at: DateTime<Utc>,
}

impl Session {
    /// Opens the first session of a new account, whose own act tells of it.
    pub const fn begin(self, refresh_hash: String) -> Change<New<OpenedSession>> {
        Change::of_platform(New(OpenedSession { session: self, refresh_hash }))
    }

    /// Opens the session, because somebody signed in.
    pub fn open(self, refresh_hash: String, by: &Actor) -> Change<New<OpenedSession>> {
        let act = SessionOpened { user: self.user_id, session: self.id };
        let at = self.created_at;
        self.begin(refresh_hash).done_on_platform_by(by, &act, at)
    }

    /// Ends, because the person signs out in it.
    pub fn close(&self, by: &Actor, now: DateTime<Utc>) -> Change<EndedSession> {
        let act = SessionClosed { session: self.id };
        self.ended(now).done_on_platform_by(by, &act, now)
    }

    /// Ends, because the person signs that device out.
    pub fn revoke(&self, by: &Actor, now: DateTime<Utc>) -> Change<EndedSession> {
        let act = SessionRevoked { session: self.id };
        self.ended(now).done_on_platform_by(by, &act, now)
    }

    const fn ended(&self, at: DateTime<Utc>) -> Change<EndedSession> {
        Change::of_platform(EndedSession { user_id: self.user_id, id: self.id, at })
    }
}

impl User {
    /// Ends the `others`, all their sessions but the one that is `kept`; `None` when there is no
    /// other one.
    pub fn revoke_others(
        &self,
        others: u64,
        kept: SessionId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Option<Change<OthersEnded>> {
        if others == 0 {
            return None;
        }
        let act = OtherSessionsRevoked { user: self.id, sessions: others };
        let ended = OthersEnded { user_id: self.id, kept, at: now };
        Some(Change::of_platform(ended).done_on_platform_by(by, &act, now))
    }
}
