-- Files that operators have uploaded and not sent yet. One that names a file of the store holds no
-- bytes. What is sent moves into `attachments`.
CREATE TABLE uploads (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    size          INTEGER NOT NULL,
    content_hash  TEXT NOT NULL,
    bytes         BLOB NOT NULL,
    file_id       BLOB,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX uploads_by_age ON uploads (created_at);
CREATE INDEX uploads_by_size ON uploads (workspace_id, size);
CREATE INDEX uploads_kept ON uploads (file_id) WHERE file_id IS NOT NULL;
