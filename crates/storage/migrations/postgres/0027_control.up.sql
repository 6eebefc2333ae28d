-- People answer in dialogs. `messages.kind` loses its CHECK, as `channels.kind` has none: kinds of messages are added
-- without changing the table. Names of operators are kept as they were, like those of actors in `audit_entries`.
-- Lost on the way back: messages WHERE kind IN ('control', 'note')
ALTER TABLE dialogs
    ADD COLUMN assignee_id UUID REFERENCES users (id) ON DELETE SET NULL,
    ADD COLUMN assignee_name TEXT,
    ADD COLUMN asking_since TIMESTAMPTZ,
    ADD COLUMN handoff_reason TEXT,
    ADD COLUMN closed_at TIMESTAMPTZ;
UPDATE dialogs SET asking_since = updated_at WHERE control IN ('waiting', 'human');
UPDATE dialogs SET closed_at = updated_at WHERE control = 'closed';
UPDATE dialogs SET assignee_name = 'operator' WHERE control = 'human';
CREATE INDEX dialogs_by_assignee ON dialogs (assignee_id, workspace_id) WHERE assignee_id IS NOT NULL;

ALTER TABLE messages
    ADD COLUMN operator_id UUID,
    ADD COLUMN operator_name TEXT,
    DROP CONSTRAINT messages_kind_check,
    DROP CONSTRAINT messages_delivery_check,
    ADD CONSTRAINT messages_delivery_check CHECK (delivery IN ('none', 'queued', 'delivered', 'failed', 'canceled'));

ALTER TABLE outbox
    ADD COLUMN revoked BOOLEAN NOT NULL DEFAULT FALSE,
    DROP CONSTRAINT outbox_status_check,
    ADD CONSTRAINT outbox_status_check
        CHECK (status IN ('queued', 'sending', 'sent', 'uncertain', 'failed', 'canceled'));

ALTER TABLE assistants ADD COLUMN reopen_hours BIGINT NOT NULL DEFAULT 24;
