//! Who works in a workspace, and who is invited: the `members` and `invitations` tables.

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::Language,
    ids::{InvitationId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    workspace::{Invitation, Member},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! members {
    () => {
        "SELECT m.workspace_id, m.user_id, u.email, u.name, m.role, m.suspended_at, m.created_at
           FROM members m JOIN users u ON u.id = m.user_id"
    };
}

macro_rules! owners {
    () => {
        "SELECT user_id FROM members
          WHERE workspace_id = $1 AND role = 'owner' ORDER BY user_id"
    };
}

macro_rules! invitation {
    () => {
        "workspace_id, id, email, role, invited_by, expires_at, created_at"
    };
}

macro_rules! by_token {
    () => {
        concat!("SELECT ", invitation!(), " FROM invitations WHERE token_hash = $1")
    };
}

#[derive(crate::FromRow)]
struct MemberRow {
    workspace_id: Uuid,
    user_id: Uuid,
    email: String,
    name: Option<String>,
    role: String,
    suspended_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<MemberRow> for Member {
    type Error = StorageError;

    fn try_from(row: MemberRow) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: row.workspace_id.into(),
            user_id: row.user_id.into(),
            email: row.email,
            name: row.name,
            role: row.role.parse().map_err(StorageError::corrupt("members"))?,
            suspended_at: row.suspended_at,
            created_at: row.created_at,
        })
    }
}

#[derive(crate::FromRow)]
struct InvitationRow {
    workspace_id: Uuid,
    id: Uuid,
    email: String,
    role: String,
    invited_by: Uuid,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StorageError;

    fn try_from(row: InvitationRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            workspace_id: row.workspace_id.into(),
            email: row.email,
            role: row.role.parse().map_err(StorageError::corrupt("invitations"))?,
            invited_by: row.invited_by.into(),
            expires_at: row.expires_at,
            created_at: row.created_at,
        })
    }
}

/// The members of one workspace.
pub struct Members<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Members<'_> {
    /// Makes a user a member. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when they are one already.
    pub(crate) async fn insert(self, member: &Member) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO members (workspace_id, user_id, role, suspended_at, created_at)
            VALUES ($1, $2, $3, $4, $5)";
        let user = member.user_id.into_uuid();
        run!(self.tx, SQL;
            self.workspace.into_uuid(), user, member.role.as_str(), member.suspended_at,
            member.created_at);
        self.tx.done.access.push(user);
        Ok(())
    }

    /// A member.
    pub async fn find(self, user: UserId) -> Result<Option<Member>, StorageError> {
        const SQL: &str = concat!(members!(), " WHERE m.workspace_id = $1 AND m.user_id = $2");
        let row = row!(self.tx, MemberRow, SQL; self.workspace.into_uuid(), user.into_uuid());
        row.map(Member::try_from).transpose()
    }

    /// The members by user id.
    pub async fn list(
        self,
        page: PageRequest<UserId>,
    ) -> Result<Page<Member, UserId>, StorageError> {
        const SQL: &str = concat!(
            members!(),
            " WHERE m.workspace_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3"
        );
        let after = page.after.map_or(Uuid::nil(), UserId::into_uuid);
        let rows = rows!(self.tx, MemberRow, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let members = rows.into_iter().map(Member::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(members, page.limit, |member| member.user_id))
    }

    /// Where the owners who may act and will stay read their mail, and in which language.
    pub async fn owners_mail(self) -> Result<Vec<(String, Language)>, StorageError> {
        const SQL: &str = "
            SELECT u.email, u.language FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.workspace_id = $1 AND m.role = 'owner' AND m.suspended_at IS NULL
               AND u.blocked_at IS NULL AND u.delete_at IS NULL
             ORDER BY m.user_id";
        let rows = rows!(self.tx, (String, String), SQL; self.workspace.into_uuid());
        let read = |(email, language): (String, String)| {
            let language = language.parse().map_err(StorageError::corrupt("users"))?;
            Ok((email, language))
        };
        rows.into_iter().map(read).collect()
    }

    /// The owners who may act and will stay, locked until the transaction ends: not those who are
    /// suspended or blocked, or whose accounts are to be deleted. A caller who changes or removes
    /// an owner looks here first, so that of two owners who leave at once one must stay.
    pub async fn lock_owners(self) -> Result<Vec<UserId>, StorageError> {
        const ACTIVE: &str = "
            SELECT m.user_id FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.workspace_id = $1 AND m.role = 'owner' AND m.suspended_at IS NULL
               AND u.blocked_at IS NULL AND u.delete_at IS NULL
             ORDER BY m.user_id";
        let lock = self.tx.sql(concat!(owners!(), " FOR UPDATE"), owners!());
        run!(self.tx, lock; self.workspace.into_uuid());
        // Only now: what another transaction did to them while we waited for the lock must be seen.
        let owners = rows!(self.tx, (Uuid,), ACTIVE; self.workspace.into_uuid());
        Ok(owners.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Stores their role, and whether they may act. Who calls holds the owners
    /// ([`Self::lock_owners`]). Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such member.
    pub(crate) async fn save(self, member: &Member) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE members SET role = $3, suspended_at = $4 WHERE workspace_id = $1 AND user_id = $2";
        let user = member.user_id.into_uuid();
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), user, member.role.as_str(), member.suspended_at);
        StorageError::expect_one_row("members", changed)?;
        self.tx.done.access.push(user);
        Ok(())
    }

    /// Removes a member. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such member.
    pub(crate) async fn delete(self, user: UserId) -> Result<(), StorageError> {
        const FIND: &str = "SELECT user_id FROM members WHERE workspace_id = $1 AND user_id = $2";
        const LOCK: &str = "
            SELECT user_id FROM members WHERE workspace_id = $1 AND user_id = $2 FOR UPDATE";
        const SEAT: &str = "DELETE FROM operators WHERE workspace_id = $1 AND user_id = $2";
        const DRAFTS: &str = "DELETE FROM drafts WHERE workspace_id = $1 AND user_id = $2";
        const VIEWS: &str = "DELETE FROM inbox_views WHERE workspace_id = $1 AND user_id = $2";
        const ITEMS: &str =
            "DELETE FROM member_mail_items WHERE workspace_id = $1 AND user_id = $2";
        const MAILS: &str = "DELETE FROM member_mails WHERE workspace_id = $1 AND user_id = $2";
        const SQL: &str = "DELETE FROM members WHERE workspace_id = $1 AND user_id = $2";
        let workspace = self.workspace.into_uuid();
        // Nobody takes a seat or writes as this member while it goes.
        let lock = self.tx.sql(LOCK, FIND);
        run!(self.tx, lock; workspace, user.into_uuid());
        run!(self.tx, SEAT; workspace, user.into_uuid());
        run!(self.tx, DRAFTS; workspace, user.into_uuid());
        run!(self.tx, VIEWS; workspace, user.into_uuid());
        run!(self.tx, ITEMS; workspace, user.into_uuid());
        run!(self.tx, MAILS; workspace, user.into_uuid());
        let removed = run!(self.tx, SQL; workspace, user.into_uuid());
        StorageError::expect_one_row("members", removed)?;
        self.tx.done.access.push(user.into_uuid());
        Ok(())
    }
}

/// The open invitations of one workspace.
pub struct Invitations<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Invitations<'_> {
    /// Stores an invitation, in the place of an earlier one to the same address.
    pub(crate) async fn put(
        self,
        invitation: &Invitation,
        token_hash: &str,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO invitations
                   (workspace_id, id, email, role, token_hash, invited_by, expires_at, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (workspace_id, email) DO UPDATE
               SET id = excluded.id, role = excluded.role, token_hash = excluded.token_hash,
                   invited_by = excluded.invited_by, expires_at = excluded.expires_at,
                   created_at = excluded.created_at";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), invitation.id.into_uuid(), &invitation.email,
            invitation.role.as_str(), token_hash, invitation.invited_by.into_uuid(),
            invitation.expires_at, invitation.created_at);
        Ok(())
    }

    /// The invitations by id, newest first, also those that have ended.
    pub async fn list(
        self,
        page: PageRequest<InvitationId>,
    ) -> Result<Page<Invitation, InvitationId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            invitation!(),
            " FROM invitations
              WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        );
        let before = page.after.map_or(Uuid::max(), InvitationId::into_uuid);
        let rows = rows!(self.tx, InvitationRow, SQL;
            self.workspace.into_uuid(), before, i64::from(page.limit) + 1);
        let items = rows.into_iter().map(Invitation::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(items, page.limit, |invitation| invitation.id))
    }

    /// An invitation, whether or not it has ended, locked until the transaction ends.
    pub async fn lock(self, id: InvitationId) -> Result<Option<Invitation>, StorageError> {
        macro_rules! find {
            () => {
                concat!(
                    "SELECT ",
                    invitation!(),
                    " FROM invitations WHERE workspace_id = $1 AND id = $2"
                )
            };
        }
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        let row = row!(self.tx, InvitationRow, sql; self.workspace.into_uuid(), id.into_uuid());
        row.map(Invitation::try_from).transpose()
    }

    /// Deletes an invitation that was accepted or revoked.
    ///
    /// # Errors
    ///
    /// Fails when there is no such invitation.
    pub(crate) async fn delete(self, id: InvitationId) -> Result<(), StorageError> {
        const SQL: &str = "DELETE FROM invitations WHERE workspace_id = $1 AND id = $2";
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid());
        StorageError::expect_one_row("invitations", deleted)
    }
}

/// All open invitations.
pub struct SystemInvitations<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemInvitations<'_> {
    /// The invitation with this token, whether or not it has ended.
    pub async fn find(self, token_hash: &str) -> Result<Option<Invitation>, StorageError> {
        row!(self.tx, InvitationRow, by_token!(); token_hash).map(Invitation::try_from).transpose()
    }

    /// The invitation with this token, whether or not it has ended, locked until the transaction
    /// ends: of many who accept it at once, the later ones find none.
    pub async fn lock(self, token_hash: &str) -> Result<Option<Invitation>, StorageError> {
        let sql = self.tx.sql(concat!(by_token!(), " FOR NO KEY UPDATE"), by_token!());
        row!(self.tx, InvitationRow, sql; token_hash).map(Invitation::try_from).transpose()
    }

    /// Removes invitations that ended before this time, a batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("invitations", "expires_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}
