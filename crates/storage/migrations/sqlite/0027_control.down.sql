ALTER TABLE assistants DROP COLUMN reopen_hours;

DROP INDEX outbox_due;
DROP INDEX outbox_claimed;
DROP INDEX outbox_unfinished;
DROP INDEX outbox_shares;
DROP INDEX outbox_sending;
UPDATE outbox SET error = 'canceled' WHERE status = 'canceled';
ALTER TABLE outbox ADD COLUMN state TEXT NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'sending', 'sent', 'uncertain', 'failed'));
UPDATE outbox SET state = CASE WHEN status = 'canceled' THEN 'failed' ELSE status END;
ALTER TABLE outbox DROP COLUMN status;
ALTER TABLE outbox RENAME COLUMN state TO status;
ALTER TABLE outbox DROP COLUMN revoked;
CREATE INDEX outbox_due ON outbox (due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE status = 'sending';
CREATE INDEX outbox_unfinished ON outbox (workspace_id, channel_id, address, position)
    WHERE status IN ('queued', 'sending', 'uncertain');
CREATE INDEX outbox_shares ON outbox (workspace_id, due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_sending ON outbox (workspace_id) WHERE status = 'sending';

DELETE FROM messages WHERE kind IN ('control', 'note');
ALTER TABLE messages ADD COLUMN old_kind TEXT NOT NULL DEFAULT 'text'
    CHECK (old_kind IN ('text', 'start', 'unsupported'));
UPDATE messages SET old_kind = kind WHERE kind <> 'text';
ALTER TABLE messages DROP COLUMN kind;
ALTER TABLE messages RENAME COLUMN old_kind TO kind;
ALTER TABLE messages ADD COLUMN outcome TEXT NOT NULL DEFAULT 'none'
    CHECK (outcome IN ('none', 'queued', 'delivered', 'failed'));
UPDATE messages SET outcome = CASE WHEN delivery = 'canceled' THEN 'failed' ELSE delivery END WHERE delivery <> 'none';
ALTER TABLE messages DROP COLUMN delivery;
ALTER TABLE messages RENAME COLUMN outcome TO delivery;
ALTER TABLE messages DROP COLUMN operator_name;
ALTER TABLE messages DROP COLUMN operator_id;

DROP INDEX dialogs_by_assignee;
ALTER TABLE dialogs DROP COLUMN closed_at;
ALTER TABLE dialogs DROP COLUMN handoff_reason;
ALTER TABLE dialogs DROP COLUMN asking_since;
ALTER TABLE dialogs DROP COLUMN assignee_name;
ALTER TABLE dialogs DROP COLUMN assignee_id;
