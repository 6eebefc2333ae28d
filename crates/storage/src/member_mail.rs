//! What members are to be written about: the tables `mail_cursors`, `member_mail_items` and
//! `member_mails`.
//!
//! An item is a dialog of which a member is to know something. It is noted once from the log of the
//! workspace, and taken once for a letter. Rows of a member go with the membership.

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::Language,
    event::{Event, Recorded},
    ids::{DialogId, UserId, WorkspaceId},
    user::InboxNotice,
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A dialog of which members are to know something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// What.
    pub notice: InboxNotice,
    /// The dialog.
    pub dialog_id: DialogId,
    /// The number of the message that says so; `None`: the last one.
    pub seq: Option<i64>,
    /// The only member who is to know it; `None`: everybody who answers customers and whose
    /// business it is.
    pub only: Option<UserId>,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A member who is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// Where their mail goes.
    pub email: String,
    /// In which language.
    pub language: Language,
    /// The name of the workspace.
    pub workspace: String,
}

/// The mail to members of one workspace.
pub struct MemberMail<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

macro_rules! note {
    ($wanted:literal, $whose:literal) => {
        concat!(
            "INSERT INTO member_mail_items (workspace_id, user_id, dialog_id, notice, seq, noted_at)
             SELECT m.workspace_id, m.user_id, d.id, $3, COALESCE($4, d.last_seq), $5
               FROM members m
               JOIN users u ON u.id = m.user_id
               JOIN dialogs d ON d.workspace_id = m.workspace_id AND d.id = $2
              WHERE m.workspace_id = $1 AND m.suspended_at IS NULL AND m.role <> 'viewer'
                AND u.blocked_at IS NULL AND u.delete_at IS NULL AND u.",
            $wanted,
            " AND ",
            $whose,
            " ON CONFLICT (workspace_id, user_id, dialog_id, notice) DO UPDATE
                 SET seq = excluded.seq, told_at = NULL,
                     noted_at = CASE WHEN member_mail_items.told_at IS NULL
                                     THEN member_mail_items.noted_at ELSE excluded.noted_at END
               WHERE member_mail_items.told_at IS NULL OR member_mail_items.noted_at <= $6"
        )
    };
}

impl MemberMail<'_> {
    /// Up to which event the log was read; others wait until the transaction ends.
    pub async fn lock(&mut self) -> Result<i64, StorageError> {
        const NEW: &str = "
            INSERT INTO mail_cursors (workspace_id, seq) VALUES ($1, 0)
            ON CONFLICT (workspace_id) DO NOTHING";
        const SQL: &str = "UPDATE mail_cursors SET seq = seq WHERE workspace_id = $1 RETURNING seq";
        run!(self.tx, NEW; self.workspace.into_uuid());
        Ok(value!(self.tx, i64, SQL; self.workspace.into_uuid()).unwrap_or_default())
    }

    /// The events after number `after` and up to `upto` of which members may have to know, oldest
    /// first.
    pub async fn events(&mut self, after: i64, upto: i64) -> Result<Vec<Recorded>, StorageError> {
        const SQL: &str = "
            SELECT seq, payload, created_at FROM events
             WHERE workspace_id = $1 AND seq > $2 AND seq <= $3
               AND kind IN ('dialog.control', 'dialog.sla', 'note.stored')
             ORDER BY seq";
        let rows = rows!(self.tx, (i64, Json<Event>, DateTime<Utc>), SQL;
            self.workspace.into_uuid(), after, upto);
        let recorded = |(seq, Json(event), at)| Recorded { seq, at, event };
        Ok(rows.into_iter().map(recorded).collect())
    }

    /// Notes up to which event the log was read. The caller holds it ([`Self::lock`]).
    pub async fn read_to(&mut self, seq: i64) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE mail_cursors SET seq = $2 WHERE workspace_id = $1";
        run!(self.tx, SQL; self.workspace.into_uuid(), seq);
        Ok(())
    }

    /// Notes what members are to know who want to be told of it. What they were told of a dialog
    /// after `again` they are not told once more.
    pub async fn note(
        &mut self,
        new: &NewNotice,
        again: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const REQUEST: &str =
            note!("notify_request", "($7 IS NULL OR m.user_id = $7) AND d.control = 'waiting'");
        // What somebody has is theirs.
        const SLA: &str = note!(
            "notify_sla",
            "($7 IS NULL OR m.user_id = $7)
             AND (d.control = 'waiting' OR d.control = 'human'
                  AND (d.assignee_id IS NULL OR d.assignee_id = m.user_id))"
        );
        const MENTION: &str = note!("notify_mention", "($7 IS NULL OR m.user_id = $7)");
        let sql = match new.notice {
            InboxNotice::Request => REQUEST,
            InboxNotice::Sla => SLA,
            InboxNotice::Mention => MENTION,
        };
        run!(self.tx, sql;
            self.workspace.into_uuid(), new.dialog_id.into_uuid(), new.notice.as_str(), new.seq,
            new.at, again, new.only.map(UserId::into_uuid));
        Ok(())
    }

    /// Takes what a member is to know, so that nobody else does: what still holds, and what they
    /// have not looked at. `seen` is when somebody who is online was heard of at the latest.
    pub async fn take(
        &mut self,
        user: UserId,
        now: DateTime<Utc>,
        seen: DateTime<Utc>,
    ) -> Result<Vec<(DialogId, InboxNotice)>, StorageError> {
        const TAKE: &str = "
            UPDATE member_mail_items SET told_at = $3
             WHERE workspace_id = $1 AND user_id = $2 AND told_at IS NULL";
        const SQL: &str = "
            SELECT i.dialog_id, i.notice
              FROM member_mail_items i
              JOIN dialogs d ON d.workspace_id = i.workspace_id AND d.id = i.dialog_id
             WHERE i.workspace_id = $1 AND i.user_id = $2 AND i.told_at = $3
               AND (i.notice <> 'request' OR d.control = 'waiting')
               AND (i.notice <> 'sla'
                    OR EXISTS (SELECT 1 FROM dialog_slas s
                                WHERE s.workspace_id = i.workspace_id
                                  AND s.dialog_id = i.dialog_id AND s.status = 'broken'))
               AND NOT EXISTS (
                    SELECT 1 FROM dialog_reads r
                     WHERE r.workspace_id = i.workspace_id AND r.user_id = i.user_id
                       AND r.dialog_id = i.dialog_id AND r.seq >= i.seq
                       AND (i.notice = 'mention'
                            OR EXISTS (SELECT 1 FROM operators o
                                        WHERE o.workspace_id = i.workspace_id
                                          AND o.user_id = i.user_id AND o.state = 'online'
                                          AND o.seen_at >= $4)))
             ORDER BY i.noted_at, i.dialog_id";
        let workspace = self.workspace.into_uuid();
        run!(self.tx, TAKE; workspace, user.into_uuid(), now);
        let rows = rows!(self.tx, (Uuid, String), SQL; workspace, user.into_uuid(), now, seen);
        let item = |(dialog, notice): (Uuid, String)| {
            let notice = notice.parse().map_err(StorageError::corrupt("member_mail_items"))?;
            Ok((dialog.into(), notice))
        };
        rows.into_iter().map(item).collect()
    }

    /// Notes that a member is written to now. `false`: they were after `since`, in whichever
    /// workspace.
    pub async fn begin(
        &mut self,
        user: UserId,
        now: DateTime<Utc>,
        since: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            INSERT INTO member_mails (workspace_id, user_id, sent_at)
            SELECT m.workspace_id, m.user_id, $3 FROM members m
             WHERE m.workspace_id = $1 AND m.user_id = $2
               AND NOT EXISTS (SELECT 1 FROM member_mails o
                                WHERE o.user_id = $2 AND o.sent_at > $4)
            ON CONFLICT (workspace_id, user_id) DO UPDATE SET sent_at = excluded.sent_at
             WHERE member_mails.sent_at <= $4";
        let begun = run!(self.tx, SQL; self.workspace.into_uuid(), user.into_uuid(), now, since);
        Ok(begun == 1)
    }

    /// A member who may be written to: who may act, and will stay.
    pub async fn addressee(&mut self, user: UserId) -> Result<Option<Addressee>, StorageError> {
        const SQL: &str = "
            SELECT u.email, u.language, w.name
              FROM members m
              JOIN users u ON u.id = m.user_id
              JOIN workspaces w ON w.id = m.workspace_id
             WHERE m.workspace_id = $1 AND m.user_id = $2 AND m.suspended_at IS NULL
               AND m.role <> 'viewer' AND u.blocked_at IS NULL AND u.delete_at IS NULL
               AND w.suspended_at IS NULL";
        let row = row!(self.tx, (String, String, String), SQL;
            self.workspace.into_uuid(), user.into_uuid());
        row.map(|(email, language, workspace)| {
            let language = language.parse().map_err(StorageError::corrupt("users"))?;
            Ok(Addressee { email, language, workspace })
        })
        .transpose()
    }

    /// Forgets what a member was told before a time.
    pub async fn forget(
        &mut self,
        user: UserId,
        before: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            DELETE FROM member_mail_items
             WHERE workspace_id = $1 AND user_id = $2 AND told_at < $3";
        run!(self.tx, SQL; self.workspace.into_uuid(), user.into_uuid(), before);
        Ok(())
    }
}

/// The mail to all members.
pub struct SystemMemberMail<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemMemberMail<'_> {
    /// Workspaces in whose logs something stands that was not read, at most `limit` after this one,
    /// each with the number of its newest event.
    pub async fn behind(
        self,
        after: Option<WorkspaceId>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, i64)>, StorageError> {
        const SQL: &str = "
            SELECT h.workspace_id, h.seq
              FROM event_heads h
              LEFT JOIN mail_cursors c ON c.workspace_id = h.workspace_id
             WHERE h.workspace_id > $1 AND h.seq > COALESCE(c.seq, 0)
             ORDER BY h.workspace_id LIMIT $2";
        let after = after.map_or(Uuid::nil(), WorkspaceId::into_uuid);
        let rows = rows!(self.tx, (Uuid, i64), SQL; after, i64::from(limit));
        Ok(rows.into_iter().map(|(workspace, head)| (workspace.into(), head)).collect())
    }

    /// Members who are to know something that was noted by `noted`, and were not written to after
    /// `since`, at most `limit`.
    pub async fn due(
        self,
        noted: DateTime<Utc>,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, UserId)>, StorageError> {
        const SQL: &str = "
            SELECT DISTINCT i.workspace_id, i.user_id
              FROM member_mail_items i
             WHERE i.told_at IS NULL AND i.noted_at <= $1
               AND NOT EXISTS (SELECT 1 FROM member_mails o
                                WHERE o.user_id = i.user_id AND o.sent_at > $2)
             LIMIT $3";
        let rows = rows!(self.tx, (Uuid, Uuid), SQL; noted, since, i64::from(limit));
        Ok(rows.into_iter().map(|(workspace, user)| (workspace.into(), user.into())).collect())
    }
}
