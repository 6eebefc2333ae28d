ALTER TABLE assistants DROP COLUMN reopen_hours;

UPDATE outbox SET status = 'failed', error = 'canceled' WHERE status = 'canceled';
ALTER TABLE outbox
    DROP CONSTRAINT outbox_status_check,
    ADD CONSTRAINT outbox_status_check CHECK (status IN ('queued', 'sending', 'sent', 'uncertain', 'failed')),
    DROP COLUMN revoked;

DELETE FROM messages WHERE kind IN ('control', 'note');
UPDATE messages SET delivery = 'failed' WHERE delivery = 'canceled';
ALTER TABLE messages
    DROP CONSTRAINT messages_delivery_check,
    ADD CONSTRAINT messages_delivery_check CHECK (delivery IN ('none', 'queued', 'delivered', 'failed')),
    ADD CONSTRAINT messages_kind_check CHECK (kind IN ('text', 'start', 'unsupported')),
    DROP COLUMN operator_name,
    DROP COLUMN operator_id;

DROP INDEX dialogs_by_assignee;
ALTER TABLE dialogs
    DROP COLUMN closed_at,
    DROP COLUMN handoff_reason,
    DROP COLUMN asking_since,
    DROP COLUMN assignee_name,
    DROP COLUMN assignee_id;
