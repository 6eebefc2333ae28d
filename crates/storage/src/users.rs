//! People: the `users` table, which belongs to no workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::UserId,
    page::{Page, PageRequest},
    user::{Notifications, User},
    workspace::Membership,
};
use uuid::Uuid;

use crate::{StorageError, Tx, query::containing, workspaces};

mod row;

pub(crate) use row::{Row, read, user_columns};

#[derive(crate::FromRow)]
struct KnownRow {
    #[row(flatten)]
    user: Row,
    password_hash: String,
}

#[derive(crate::FromRow)]
struct MembershipRow {
    #[row(flatten)]
    workspace: workspaces::Row,
    role: String,
    member_suspended_at: Option<DateTime<Utc>>,
}

/// All people of the installation.
pub struct Users<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Users<'_> {
    /// Stores a new user.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when the e-mail address is taken.
    pub(crate) async fn insert(self, user: &User, password_hash: &str) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO users (id, email, name, language, is_admin, blocked_at, delete_at, created_at,
                               password_hash, notify_request, notify_sla, notify_mention)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let Notifications { request, sla, mention } = user.notifications;
        debug_assert!(!user.second_factor, "a second factor is confirmed, not inserted");
        run!(self.tx, SQL;
            user.id.into_uuid(), &user.email, &user.name, user.language.as_str(), user.is_admin,
            user.blocked_at, user.delete_at, user.created_at, password_hash, request, sla,
            mention);
        Ok(())
    }

    /// Finds a user by id.
    pub async fn find(self, id: UserId) -> Result<Option<User>, StorageError> {
        const SQL: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
        row!(self.tx, Row, SQL; id.into_uuid()).map(read).transpose()
    }

    /// Finds a user and keeps others from changing them until the transaction ends.
    pub async fn lock(self, id: UserId) -> Result<Option<User>, StorageError> {
        lock(self.tx, id).await?;
        self.find(id).await
    }

    /// Finds a user and the hash of their password by (normal) e-mail address.
    pub async fn find_by_email(self, email: &str) -> Result<Option<(User, String)>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", u.password_hash FROM users u WHERE u.email = $1"
        );
        row!(self.tx, KnownRow, SQL; email)
            .map(|row| Ok((read(row.user)?, row.password_hash)))
            .transpose()
    }

    /// The hash of a user's password.
    pub async fn password_hash(self, id: UserId) -> Result<Option<String>, StorageError> {
        Ok(value!(self.tx, String, "SELECT password_hash FROM users WHERE id = $1"; id.into_uuid()))
    }

    /// Stores the hash of a new password.
    ///
    /// # Errors
    ///
    /// Fails when there is no such user.
    pub(crate) async fn set_password(
        self,
        id: UserId,
        password_hash: &str,
    ) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
        let changed = run!(self.tx, SQL; id.into_uuid(), password_hash);
        StorageError::expect_one_row("users", changed)
    }

    /// Stores what may change of a user, but for their password and second factor. Who calls holds
    /// them ([`Self::lock`]). Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such user.
    pub(crate) async fn save(self, user: &User) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE users
               SET name = $2, language = $3, is_admin = $4, blocked_at = $5, delete_at = $6,
                   notify_request = $7, notify_sla = $8, notify_mention = $9
             WHERE id = $1";
        let Notifications { request, sla, mention } = user.notifications;
        let changed = run!(self.tx, SQL;
            user.id.into_uuid(), &user.name, user.language.as_str(), user.is_admin, user.blocked_at,
            user.delete_at, request, sla, mention);
        tell(self.tx, user.id, changed)
    }

    /// Users whose accounts are to be deleted by now, oldest first.
    pub async fn due_for_deletion(
        self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<UserId>, StorageError> {
        const SQL: &str = "
            SELECT id FROM users WHERE delete_at IS NOT NULL AND delete_at <= $1
             ORDER BY delete_at, id LIMIT $2";
        let due = rows!(self.tx, (Uuid,), SQL; now, i64::from(limit));
        Ok(due.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Deletes a user with their sessions, codes and memberships; what they did stays in the logs.
    /// Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such user.
    pub(crate) async fn delete(self, id: UserId) -> Result<(), StorageError> {
        macro_rules! members {
            () => {
                "SELECT user_id FROM members WHERE user_id = $1"
            };
        }
        macro_rules! sessions {
            () => {
                "SELECT id FROM sessions WHERE user_id = $1"
            };
        }
        const TOKENS: &str = "
            DELETE FROM refresh_tokens
             WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1)";
        const RESETS: &str = "DELETE FROM password_resets WHERE user_id = $1";
        const CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
        const SEATS: &str = "DELETE FROM operators WHERE user_id = $1";
        const DRAFTS: &str = "DELETE FROM drafts WHERE user_id = $1";
        const VIEWS: &str = "DELETE FROM inbox_views WHERE user_id = $1";
        const ITEMS: &str = "DELETE FROM member_mail_items WHERE user_id = $1";
        const MAILS: &str = "DELETE FROM member_mails WHERE user_id = $1";
        const MEMBERS: &str = "DELETE FROM members WHERE user_id = $1";
        const SQL: &str = "DELETE FROM users WHERE id = $1";
        let user = id.into_uuid();
        // Nobody signs in, joins, takes a seat or renews a session while the rows that depend on
        // the user go.
        lock(self.tx, id).await?;
        let sessions = self.tx.sql(concat!(sessions!(), " FOR UPDATE"), sessions!());
        run!(self.tx, sessions; user);
        run!(self.tx, TOKENS; user);
        run!(self.tx, "DELETE FROM sessions WHERE user_id = $1"; user);
        run!(self.tx, RESETS; user);
        run!(self.tx, CODES; user);
        let members = self.tx.sql(concat!(members!(), " FOR UPDATE"), members!());
        run!(self.tx, members; user);
        run!(self.tx, SEATS; user);
        run!(self.tx, DRAFTS; user);
        run!(self.tx, VIEWS; user);
        run!(self.tx, ITEMS; user);
        run!(self.tx, MAILS; user);
        run!(self.tx, MEMBERS; user);
        let deleted = run!(self.tx, SQL; user);
        tell(self.tx, id, deleted)
    }

    /// All users by id, newest first: those whose address or name contains the text, whatever its
    /// case, or all.
    pub async fn list(
        self,
        matching: Option<&str>,
        page: PageRequest<UserId>,
    ) -> Result<Page<User, UserId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            r" FROM users u
              WHERE u.id < $1
                AND ($2 IS NULL OR u.email LIKE $2 ESCAPE '\' OR LOWER(u.name) LIKE LOWER($3) ESCAPE '\')
              ORDER BY u.id DESC LIMIT $4"
        );
        let before = page.after.map_or(Uuid::max(), UserId::into_uuid);
        // Addresses are stored in lower case. Names are not, and each database knows its own lower
        // case.
        let email = matching.map(|text| containing(&text.to_lowercase()));
        let name = matching.map(containing);
        let found = rows!(self.tx, Row, SQL; before, &email, &name, i64::from(page.limit) + 1);
        let users = found.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(users, page.limit, |user: &User| user.id))
    }

    /// Is there any user?
    pub async fn any(self) -> Result<bool, StorageError> {
        Ok(value!(self.tx, Uuid, "SELECT id FROM users LIMIT 1").is_some())
    }

    /// The workspaces a user belongs to, oldest membership first, at most 100.
    pub async fn memberships(self, id: UserId) -> Result<Vec<Membership>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            workspaces::workspace_columns!(),
            ", m.role, m.suspended_at AS member_suspended_at
               FROM members m JOIN workspaces w ON w.id = m.workspace_id
              WHERE m.user_id = $1 ORDER BY m.created_at, m.workspace_id LIMIT 100"
        );
        rows!(self.tx, MembershipRow, SQL; id.into_uuid())
            .into_iter()
            .map(|row| {
                Ok(Membership {
                    workspace: workspaces::read(row.workspace),
                    role: row.role.parse().map_err(StorageError::corrupt("members"))?,
                    suspended_at: row.member_suspended_at,
                })
            })
            .collect()
    }
}

/// Keeps others from changing a user, and from storing what depends on one, until the transaction
/// ends.
pub(crate) async fn lock(tx: &mut Tx, id: UserId) -> Result<(), StorageError> {
    macro_rules! find {
        () => {
            "SELECT id FROM users WHERE id = $1"
        };
    }
    // A writing transaction already holds all of SQLite.
    let sql = tx.sql(concat!(find!(), " FOR UPDATE"), find!());
    run!(tx, sql; id.into_uuid());
    Ok(())
}

/// One user has changed, and what they have access to.
fn tell(tx: &mut Tx, id: UserId, changed: u64) -> Result<(), StorageError> {
    StorageError::expect_one_row("users", changed)?;
    tx.done.access.push(id.into_uuid());
    Ok(())
}
