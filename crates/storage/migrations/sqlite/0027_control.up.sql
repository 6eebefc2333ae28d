-- People answer in dialogs. `messages.kind` loses its CHECK, as `channels.kind` has none: kinds of messages are added
-- without changing the table. Names of operators are kept as they were, like those of actors in `audit_entries`.
-- Lost on the way back: messages WHERE kind IN ('control', 'note')
ALTER TABLE dialogs ADD COLUMN assignee_id BLOB REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE dialogs ADD COLUMN assignee_name TEXT;
ALTER TABLE dialogs ADD COLUMN asking_since TEXT;
ALTER TABLE dialogs ADD COLUMN handoff_reason TEXT;
ALTER TABLE dialogs ADD COLUMN closed_at TEXT;
UPDATE dialogs SET asking_since = updated_at WHERE control IN ('waiting', 'human');
UPDATE dialogs SET closed_at = updated_at WHERE control = 'closed';
UPDATE dialogs SET assignee_name = 'operator' WHERE control = 'human';
CREATE INDEX dialogs_by_assignee ON dialogs (assignee_id, workspace_id) WHERE assignee_id IS NOT NULL;

ALTER TABLE messages ADD COLUMN operator_id BLOB;
ALTER TABLE messages ADD COLUMN operator_name TEXT;
-- A column takes its CHECK along, so a new one takes its place.
ALTER TABLE messages ADD COLUMN any_kind TEXT NOT NULL DEFAULT 'text';
UPDATE messages SET any_kind = kind WHERE kind <> 'text';
ALTER TABLE messages DROP COLUMN kind;
ALTER TABLE messages RENAME COLUMN any_kind TO kind;
ALTER TABLE messages ADD COLUMN outcome TEXT NOT NULL DEFAULT 'none'
    CHECK (outcome IN ('none', 'queued', 'delivered', 'failed', 'canceled'));
UPDATE messages SET outcome = delivery WHERE delivery <> 'none';
ALTER TABLE messages DROP COLUMN delivery;
ALTER TABLE messages RENAME COLUMN outcome TO delivery;

DROP INDEX outbox_due;
DROP INDEX outbox_claimed;
DROP INDEX outbox_unfinished;
DROP INDEX outbox_shares;
DROP INDEX outbox_sending;
ALTER TABLE outbox ADD COLUMN revoked INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE outbox ADD COLUMN state TEXT NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'sending', 'sent', 'uncertain', 'failed', 'canceled'));
UPDATE outbox SET state = status;
ALTER TABLE outbox DROP COLUMN status;
ALTER TABLE outbox RENAME COLUMN state TO status;
CREATE INDEX outbox_due ON outbox (due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE status = 'sending';
CREATE INDEX outbox_unfinished ON outbox (workspace_id, channel_id, address, position)
    WHERE status IN ('queued', 'sending', 'uncertain');
CREATE INDEX outbox_shares ON outbox (workspace_id, due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_sending ON outbox (workspace_id) WHERE status = 'sending';

ALTER TABLE assistants ADD COLUMN reopen_hours INTEGER NOT NULL DEFAULT 24;
