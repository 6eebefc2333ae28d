//! People who answer customers: the `operators` and `operator_states` tables.

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::ChannelKind,
    ids::{ContactId, DialogId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    presence::{Capacity, Presence, Seat},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

/// At most so many dialogs, operators or workspaces are looked at in one step.
pub const STEP: i64 = 500;

macro_rules! find {
    () => {
        "SELECT user_id, state, capacity, seen_at, since FROM operators
          WHERE workspace_id = $1 AND user_id = $2"
    };
}

/// A member who may answer customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The member.
    pub user_id: UserId,
    /// Their name.
    pub name: String,
    /// What they said last; `None` if they never said anything.
    pub presence: Option<Presence>,
    /// How many dialogs they have.
    pub open: i64,
}

#[derive(crate::FromRow)]
struct Row {
    user_id: Uuid,
    state: String,
    capacity: Json<Capacity>,
    seen_at: DateTime<Utc>,
    since: DateTime<Utc>,
}

#[derive(crate::FromRow)]
struct ListedRow {
    member_id: Uuid,
    name: String,
    state: Option<String>,
    capacity: Option<Json<Capacity>>,
    seen_at: Option<DateTime<Utc>>,
    since: Option<DateTime<Utc>>,
    open: i64,
}

/// One workspace's operators.
pub struct Operators<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Operators<'_> {
    /// What an operator said last.
    pub async fn find(self, user: UserId) -> Result<Option<Presence>, StorageError> {
        let row = row!(self.tx, Row, find!(); self.workspace.into_uuid(), user.into_uuid());
        row.map(|row| read(self.workspace, row)).transpose()
    }

    /// Finds an operator and keeps others from giving them dialogs until the transaction ends.
    pub async fn lock(self, user: UserId) -> Result<Option<Presence>, StorageError> {
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        let row = row!(self.tx, Row, sql; self.workspace.into_uuid(), user.into_uuid());
        row.map(|row| read(self.workspace, row)).transpose()
    }

    /// Stores what an operator says, and since when.
    ///
    /// # Errors
    ///
    /// Fails when they are no member.
    pub(crate) async fn save(self, presence: &Presence) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO operators (workspace_id, user_id, state, capacity, seen_at, since)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (workspace_id, user_id) DO UPDATE
               SET state = excluded.state, capacity = excluded.capacity,
                   seen_at = excluded.seen_at, since = excluded.since";
        const HISTORY: &str = "
            INSERT INTO operator_states (workspace_id, user_id, since, state)
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let workspace = self.workspace.into_uuid();
        let user = presence.user_id.into_uuid();
        let state = presence.state.as_str();
        run!(self.tx, SQL;
            workspace, user, state, Json(&presence.capacity), presence.seen_at, presence.since);
        run!(self.tx, HISTORY; workspace, user, presence.since, state);
        Ok(())
    }

    /// Notes that an operator was given a dialog. The caller holds their lock.
    pub async fn assigned(self, user: UserId, now: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE operators SET assigned_at = $3 WHERE workspace_id = $1 AND user_id = $2";
        let changed = run!(self.tx, SQL; self.workspace.into_uuid(), user.into_uuid(), now);
        StorageError::expect_one_row("operators", changed)
    }

    /// The operators who are online and were heard of after `since`, or one of them, with the
    /// dialogs that they have of a kind of channel.
    pub async fn seats(
        self,
        kind: ChannelKind,
        since: DateTime<Utc>,
        only: Option<UserId>,
    ) -> Result<Vec<Seat>, StorageError> {
        const SQL: &str = "
            SELECT o.user_id, COALESCE(u.name, u.email), o.capacity, o.assigned_at,
                   (SELECT COUNT(*) FROM dialogs d
                      JOIN channels c ON c.workspace_id = d.workspace_id AND c.id = d.channel_id
                     WHERE d.assignee_id = o.user_id AND d.workspace_id = o.workspace_id
                       AND d.control = 'human' AND c.kind = $3)
              FROM operators o
              JOIN members m ON m.workspace_id = o.workspace_id AND m.user_id = o.user_id
              JOIN users u ON u.id = o.user_id
             WHERE o.workspace_id = $1 AND o.state = 'online' AND o.seen_at >= $2
               AND m.suspended_at IS NULL AND m.role <> 'viewer' AND u.blocked_at IS NULL
               AND ($4 IS NULL OR o.user_id = $4)
             ORDER BY o.user_id";

        type Found = (Uuid, String, Json<Capacity>, Option<DateTime<Utc>>, i64);
        let rows = rows!(self.tx, Found, SQL;
            self.workspace.into_uuid(), since, kind.as_str(), only.map(UserId::into_uuid));
        let seat = |(user_id, name, Json(capacity), assigned_at, open): Found| Seat {
            user_id: user_id.into(),
            name,
            open,
            capacity: capacity.of(kind),
            assigned_at,
        };
        Ok(rows.into_iter().map(seat).collect())
    }

    /// Is anybody online who was heard of after `since`?
    pub async fn is_anybody_online(self, since: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            SELECT user_id FROM operators
             WHERE workspace_id = $1 AND state = 'online' AND seen_at >= $2 LIMIT 1";
        Ok(value!(self.tx, Uuid, SQL; self.workspace.into_uuid(), since).is_some())
    }

    /// A page of those who may answer customers, by their ids.
    pub async fn list(
        self,
        page: PageRequest<UserId>,
    ) -> Result<Page<Listed, UserId>, StorageError> {
        const SQL: &str = "
            SELECT m.user_id AS member_id, COALESCE(u.name, u.email) AS name, o.state, o.capacity,
                   o.seen_at, o.since,
                   (SELECT COUNT(*) FROM dialogs d
                     WHERE d.assignee_id = m.user_id AND d.workspace_id = m.workspace_id
                       AND d.control = 'human') AS open
              FROM members m
              JOIN users u ON u.id = m.user_id
              LEFT JOIN operators o ON o.workspace_id = m.workspace_id AND o.user_id = m.user_id
             WHERE m.workspace_id = $1 AND m.suspended_at IS NULL AND m.role <> 'viewer'
               AND m.user_id > $2
             ORDER BY m.user_id LIMIT $3";
        let after = page.after.map_or(Uuid::nil(), UserId::into_uuid);
        let rows = rows!(self.tx, ListedRow, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let listed = rows.into_iter().map(|row| read_listed(self.workspace, row));
        let listed = listed.collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(listed, page.limit, |listed| listed.user_id))
    }

    /// The dialogs that an operator has, by their contacts: in the order in which they are locked.
    pub async fn held(self, user: UserId) -> Result<Vec<DialogId>, StorageError> {
        const SQL: &str = "
            SELECT id FROM dialogs
             WHERE workspace_id = $1 AND assignee_id = $2 AND control = 'human'
             ORDER BY contact_id LIMIT $3";
        let rows = rows!(self.tx, (Uuid,), SQL;
            self.workspace.into_uuid(), user.into_uuid(), STEP);
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// What each operator has, at most `limit` dialogs of all together.
    pub async fn all_held(self, limit: i64) -> Result<Vec<(UserId, DialogId)>, StorageError> {
        const SQL: &str = "
            SELECT assignee_id, id FROM dialogs
             WHERE workspace_id = $1 AND control IN ('waiting', 'human') AND control = 'human'
               AND assignee_id IS NOT NULL
             ORDER BY asking_since, id LIMIT $2";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; self.workspace.into_uuid(), limit);
        Ok(rows.into_iter().map(|(user, dialog)| (user.into(), dialog.into())).collect())
    }

    /// How many replies each operator has written since a time.
    pub async fn sent_since(
        self,
        since: DateTime<Utc>,
    ) -> Result<Vec<(UserId, i64)>, StorageError> {
        const SQL: &str = "
            SELECT operator_id, COUNT(*) FROM messages
             WHERE workspace_id = $1 AND id >= $2 AND author = 'operator' AND kind = 'text'
               AND operator_id IS NOT NULL
             GROUP BY operator_id";
        // Ids grow with time: the first 48 bits are milliseconds.
        let millis = u128::try_from(since.timestamp_millis()).unwrap_or_default();
        let first = Uuid::from_u128(millis << 80);
        let rows = rows!(self.tx, (Uuid, i64), SQL; self.workspace.into_uuid(), first);
        Ok(rows.into_iter().map(|(user, sent)| (user.into(), sent)).collect())
    }

    /// Who answered a contact last.
    pub async fn last_of(self, contact: ContactId) -> Result<Option<UserId>, StorageError> {
        const SQL: &str = "
            SELECT m.operator_id FROM dialogs d
              JOIN messages m ON m.workspace_id = d.workspace_id AND m.dialog_id = d.id
             WHERE d.workspace_id = $1 AND d.contact_id = $2 AND m.author = 'operator'
               AND m.kind = 'text' AND m.operator_id IS NOT NULL
             ORDER BY d.id DESC, m.seq DESC LIMIT 1";
        let last = value!(self.tx, Uuid, SQL; self.workspace.into_uuid(), contact.into_uuid());
        Ok(last.map(UserId::from))
    }
}

/// A dialog of an operator who does not answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbandonedDialog {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The operator.
    pub user_id: UserId,
}

/// All operators.
pub struct SystemOperators<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemOperators<'_> {
    /// Operators who were not heard of since `before`, and have not said that they leave.
    pub async fn silent(
        self,
        before: DateTime<Utc>,
    ) -> Result<Vec<(WorkspaceId, UserId)>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, user_id FROM operators
             WHERE state <> 'offline' AND seen_at < $1
             ORDER BY seen_at LIMIT $2";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; before, STEP);
        Ok(rows.into_iter().map(|(workspace, user)| (workspace.into(), user.into())).collect())
    }

    /// Dialogs whose operators may no longer answer, or are offline since `before`. One that is
    /// snoozed stays with an operator who is offline until `now` or until the customer writes.
    pub async fn abandoned(
        self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AbandonedDialog>, StorageError> {
        const SQL: &str = "
            SELECT d.workspace_id, d.id, d.assignee_id FROM dialogs d
              LEFT JOIN members m ON m.workspace_id = d.workspace_id AND m.user_id = d.assignee_id
              LEFT JOIN operators o ON o.workspace_id = d.workspace_id
                                   AND o.user_id = d.assignee_id
              LEFT JOIN snoozes z ON z.workspace_id = d.workspace_id AND z.dialog_id = d.id
                                 AND z.until_at > $3 AND z.epoch = d.epoch
                                 AND z.heard_seq >= d.heard_seq
             WHERE d.assignee_id IS NOT NULL AND d.control = 'human'
               AND (m.user_id IS NULL OR m.suspended_at IS NOT NULL OR m.role = 'viewer'
                    OR (o.state = 'offline' AND o.since < $1 AND z.dialog_id IS NULL))
             ORDER BY d.workspace_id, d.id LIMIT $2";

        let rows = rows!(self.tx, (Uuid, Uuid, Uuid), SQL; before, STEP, now);
        let abandoned = |(workspace, dialog, user): (Uuid, Uuid, Uuid)| AbandonedDialog {
            workspace_id: workspace.into(),
            dialog_id: dialog.into(),
            user_id: user.into(),
        };
        Ok(rows.into_iter().map(abandoned).collect())
    }

    /// Deletes a batch of what operators said before a time; what holds now stays. Returns how many
    /// it deleted.
    pub async fn forget_states(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("operator_states", "since < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }

    /// Workspaces in which customers wait and somebody is online who was heard of after `since`.
    pub async fn to_give_out(self, since: DateTime<Utc>) -> Result<Vec<WorkspaceId>, StorageError> {
        const SQL: &str = "
            SELECT DISTINCT o.workspace_id FROM operators o
             WHERE o.state = 'online' AND o.seen_at >= $1
               AND EXISTS (SELECT 1 FROM dialogs d
                            WHERE d.workspace_id = o.workspace_id
                              AND d.control IN ('waiting', 'human') AND d.control = 'waiting')
             LIMIT $2";
        let rows = rows!(self.tx, (Uuid,), SQL; since, STEP);
        Ok(rows.into_iter().map(|(workspace,)| workspace.into()).collect())
    }
}

fn read(workspace_id: WorkspaceId, row: Row) -> Result<Presence, StorageError> {
    Ok(Presence {
        workspace_id,
        user_id: row.user_id.into(),
        state: row.state.parse().map_err(StorageError::corrupt("operators"))?,
        capacity: row.capacity.0,
        seen_at: row.seen_at,
        since: row.since,
    })
}

fn read_listed(workspace_id: WorkspaceId, row: ListedRow) -> Result<Listed, StorageError> {
    let said = row.state.zip(row.capacity).zip(row.seen_at).zip(row.since);
    let presence = said.map(|(((state, capacity), seen_at), since)| {
        read(workspace_id, Row { user_id: row.member_id, state, capacity, seen_at, since })
    });
    Ok(Listed {
        user_id: row.member_id.into(),
        name: row.name,
        presence: presence.transpose()?,
        open: row.open,
    })
}
