ALTER TABLE documents ADD COLUMN warnings JSONB NOT NULL DEFAULT '[]';

-- A new file waits here until it has been read: the one before serves until then.
CREATE TABLE document_replacements (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    document_id   UUID NOT NULL,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    size          BIGINT NOT NULL,
    content_hash  TEXT NOT NULL,
    original      BYTEA NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE upload_days (
    workspace_id  UUID NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    day           TEXT NOT NULL,
    bytes         BIGINT NOT NULL
);
