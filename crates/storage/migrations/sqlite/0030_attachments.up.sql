-- Files that belong to messages. One that names a file of the store holds no bytes.
CREATE TABLE attachments (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    dialog_id     BLOB NOT NULL,
    message_id    BLOB NOT NULL,
    what          TEXT NOT NULL,
    name          TEXT,
    media_type    TEXT,
    size          INTEGER,
    status        TEXT NOT NULL,
    reference     TEXT NOT NULL,
    content_hash  TEXT NOT NULL DEFAULT '',
    bytes         BLOB NOT NULL DEFAULT x'',
    file_id       BLOB,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
) STRICT;
CREATE INDEX attachments_by_message ON attachments (workspace_id, message_id);
CREATE INDEX attachments_by_dialog ON attachments (workspace_id, dialog_id);
CREATE INDEX attachments_by_size ON attachments (workspace_id, size);
CREATE INDEX attachments_kept ON attachments (file_id) WHERE file_id IS NOT NULL;
