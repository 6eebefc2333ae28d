ALTER TABLE documents ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';

-- A new file waits here until it has been read: the one before serves until then.
CREATE TABLE document_replacements (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    document_id   BLOB NOT NULL,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    size          INTEGER NOT NULL,
    content_hash  TEXT NOT NULL,
    original      BLOB NOT NULL,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE upload_days (
    workspace_id  BLOB NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    day           TEXT NOT NULL,
    bytes         INTEGER NOT NULL
) STRICT;
