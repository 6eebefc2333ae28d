//! Sign-ins and their refresh tokens: the `sessions` and `refresh_tokens` tables.
//!
//! A refresh token is stored as the SHA-256 of itself. A session's tokens are one family: each is
//! exchanged for the next, and one that comes back later than a lost answer could explain ends the
//! session.

use std::time::Duration;

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{SessionId, UserId, WorkspaceId},
    rules::session::EndedSession,
    session::{Access, Rotation, Session},
};
use uuid::Uuid;

use crate::{StorageError, Tx, sweep::BATCH, users, workspaces};

mod row;

use row::{AccessRow, Row};

macro_rules! columns {
    () => {
        "id, user_id, address, user_agent, created_at, last_used_at, expires_at"
    };
}

/// All sign-ins.
pub struct Sessions<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Sessions<'_> {
    /// Stores a new session with its first refresh token.
    pub(crate) async fn insert(
        self,
        session: &Session,
        refresh_hash: &str,
    ) -> Result<(), StorageError> {
        const SQL: &str =
            concat!("INSERT INTO sessions (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)");
        run!(self.tx, SQL;
            session.id.into_uuid(), session.user_id.into_uuid(), &session.address, &session.user_agent,
            session.created_at, session.last_used_at, session.expires_at);
        insert_token(self.tx, session.id.into_uuid(), refresh_hash, session.created_at).await
    }

    /// What a session gives access to, in this workspace, or without one in the workspace of the
    /// user's oldest membership where neither they nor the workspace are suspended (if there is
    /// none such, of the oldest). `None` when it has ended, or its user is blocked or gone. When
    /// the user is no member of that workspace, the place is `None`.
    pub async fn access(
        self,
        id: SessionId,
        workspace: Option<WorkspaceId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Access>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            users::user_columns!(),
            ", ",
            workspaces::workspace_columns!(),
            ", m.role, m.suspended_at AS member_suspended_at
               FROM sessions s
               JOIN users u ON u.id = s.user_id
               LEFT JOIN members m ON m.user_id = u.id AND ($2 IS NULL OR m.workspace_id = $2)
               LEFT JOIN workspaces w ON w.id = m.workspace_id
              WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $3 AND u.blocked_at IS NULL
              ORDER BY (m.suspended_at IS NOT NULL OR w.suspended_at IS NOT NULL), m.created_at,
                       m.workspace_id
              LIMIT 1"
        );

        let workspace = workspace.map(WorkspaceId::into_uuid);
        let row = row!(self.tx, AccessRow, SQL; id.into_uuid(), workspace, now);
        row.map(|row| row.access(id)).transpose()
    }

    /// A user's sessions that have not ended, newest first, at most 100.
    pub async fn list(
        self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
               ORDER BY created_at DESC, id DESC LIMIT 100"
        );
        let found = rows!(self.tx, Row, SQL; user.into_uuid(), now);
        Ok(found.into_iter().map(Session::from).collect())
    }

    /// Has this user signed in from there, with that, before (in any session still stored)?
    pub async fn knows_device(
        self,
        user: UserId,
        address: &str,
        user_agent: &str,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT id FROM sessions WHERE user_id = $1 AND address = $2 AND user_agent = $3 LIMIT 1";
        Ok(value!(self.tx, Uuid, SQL; user.into_uuid(), address, user_agent).is_some())
    }

    /// Exchanges a refresh token for the next. The session is renewed until `now + lifetime`. A
    /// token that was exchanged less than `grace` ago is exchanged again, because its answer may
    /// have been lost: for the same successor, so that a session has one chain of tokens. With
    /// another successor than the stored one it is unknown. Two processes that are shown the same
    /// token at once get their answers in turn. A reused token ends the session and tells
    /// `Committed::access`: the caller commits then too. A blocked user's sessions have ended.
    pub async fn rotate(
        self,
        old_hash: &str,
        new_hash: &str,
        now: DateTime<Utc>,
        grace: Duration,
        lifetime: Duration,
    ) -> Result<Rotation, StorageError> {
        macro_rules! find {
            () => {
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM sessions
                       WHERE id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)
                         AND revoked_at IS NULL AND expires_at > $2
                         AND NOT EXISTS (SELECT 1 FROM users u
                                          WHERE u.id = sessions.user_id AND u.blocked_at IS NOT NULL)"
                )
            };
        }
        const SPEND: &str =
            "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL";
        const USED: &str = "SELECT used_at FROM refresh_tokens WHERE token_hash = $1";
        const SUCCESSOR: &str =
            "SELECT token_hash FROM refresh_tokens WHERE token_hash = $1 AND session_id = $2";
        const RENEW: &str = "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1";

        // The session is locked before the token is looked at: a second process with the same token
        // must see what the first one did to it.
        let find = self.tx.sql(concat!(find!(), " FOR UPDATE"), find!());
        let Some(row) = row!(self.tx, Row, find; old_hash, now) else {
            return Ok(Rotation::Unknown);
        };
        let mut session = Session::from(row);
        let id = session.id.into_uuid();

        if run!(self.tx, SPEND; old_hash, now) == 1 {
            insert_token(self.tx, id, new_hash, now).await?;
        } else {
            let used = value!(self.tx, Option<DateTime<Utc>>, USED; old_hash).flatten();
            if used.is_none_or(|used| now >= used + grace) {
                self.end(&EndedSession { user_id: session.user_id, id: session.id, at: now })
                    .await?;
                return Ok(Rotation::Reused(session));
            }
            // A second successor would be a second chain, whose theft nobody would notice.
            if value!(self.tx, String, SUCCESSOR; new_hash, id).is_none() {
                return Ok(Rotation::Unknown);
            }
        }

        session.last_used_at = now;
        session.expires_at = now + lifetime;
        run!(self.tx, RENEW; id, session.last_used_at, session.expires_at);
        Ok(Rotation::Renewed(session))
    }

    /// A user's session, unless it has ended, which nobody else ends or renews until the
    /// transaction ends.
    pub async fn lock(
        self,
        user: UserId,
        id: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, StorageError> {
        macro_rules! find {
            () => {
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM sessions
                       WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3"
                )
            };
        }
        let sql = self.tx.sql(concat!(find!(), " FOR UPDATE"), find!());
        Ok(row!(self.tx, Row, sql; user.into_uuid(), id.into_uuid(), now).map(Session::from))
    }

    /// How many sessions of a user have not ended, but for one.
    pub async fn count_others(
        self,
        user: UserId,
        kept: SessionId,
        now: DateTime<Utc>,
    ) -> Result<u64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM sessions
             WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND expires_at > $3";
        let count = value!(self.tx, i64, SQL; user.into_uuid(), kept.into_uuid(), now);
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// Ends a session at once. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or it has ended.
    pub(crate) async fn end(self, ended: &EndedSession) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE sessions SET revoked_at = $3
             WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3";
        let id = ended.id.into_uuid();
        let revoked = run!(self.tx, SQL; ended.user_id.into_uuid(), id, ended.at);
        StorageError::expect_one_row("sessions", revoked)?;
        self.tx.done.access.push(id);
        Ok(())
    }

    /// Ends all sessions of a user, or all but one. Tells `Committed::access`.
    pub(crate) async fn end_all(
        self,
        user: UserId,
        except: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE sessions SET revoked_at = $3
             WHERE user_id = $1 AND ($2 IS NULL OR id <> $2) AND revoked_at IS NULL AND expires_at > $3";
        let except = except.map(SessionId::into_uuid);
        run!(self.tx, SQL; user.into_uuid(), except, now);
        self.tx.done.access.push(user.into_uuid());
        Ok(())
    }

    /// Removes sessions that ended (expired or were revoked) before this time, with their tokens;
    /// returns how many. A batch at a time ([`BATCH`]), tokens first: a full batch of these counts,
    /// too.
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const TOKENS: [&str; 2] = batch!(
            "refresh_tokens",
            "session_id IN (SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1)"
        );
        // A session that has ended only since the statement before keeps its tokens, and stays for
        // the next time.
        const SQL: [&str; 2] = batch!(
            "sessions",
            "(expires_at < $1 OR revoked_at < $1)
               AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.session_id = sessions.id)"
        );
        let tokens = delete_batch!(self.tx, TOKENS; before);
        if tokens == BATCH {
            return Ok(tokens);
        }
        Ok(delete_batch!(self.tx, SQL; before))
    }
}

async fn insert_token(
    tx: &mut Tx,
    session: Uuid,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    const SQL: &str =
        "INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, $3)";
    run!(tx, SQL; hash, session, now);
    Ok(())
}
