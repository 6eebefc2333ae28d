-- Files that belong to messages. One that names a file of the store holds no bytes.
CREATE TABLE attachments (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    dialog_id     UUID NOT NULL,
    message_id    UUID NOT NULL,
    what          TEXT NOT NULL,
    name          TEXT,
    media_type    TEXT,
    size          BIGINT,
    status        TEXT NOT NULL,
    reference     TEXT NOT NULL,
    content_hash  TEXT NOT NULL DEFAULT '',
    bytes         BYTEA NOT NULL DEFAULT '',
    file_id       UUID,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
);
CREATE INDEX attachments_by_message ON attachments (workspace_id, message_id);
CREATE INDEX attachments_by_dialog ON attachments (workspace_id, dialog_id);
CREATE INDEX attachments_by_size ON attachments (workspace_id, size);
CREATE INDEX attachments_kept ON attachments (file_id) WHERE file_id IS NOT NULL;
