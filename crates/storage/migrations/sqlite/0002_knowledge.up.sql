CREATE TABLE documents (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('text', 'markdown', 'pdf')),
    size          INTEGER NOT NULL,
    content_hash  TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'ready', 'failed')),
    error         TEXT,
    passages      INTEGER NOT NULL DEFAULT 0,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

CREATE INDEX documents_by_assistant ON documents (workspace_id, assistant_id, id);

CREATE TABLE document_files (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    document_id   BLOB NOT NULL,
    original      BLOB NOT NULL,
    text          TEXT,
    PRIMARY KEY (workspace_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE passages (
    number        INTEGER NOT NULL PRIMARY KEY,
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    document_id   BLOB NOT NULL,
    position      INTEGER NOT NULL,
    headings      TEXT NOT NULL,
    text          TEXT NOT NULL,
    terms         TEXT NOT NULL,
    length        INTEGER NOT NULL,
    starts_at     INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL,
    page          INTEGER,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

CREATE INDEX passages_by_document ON passages (workspace_id, document_id, position);
CREATE INDEX passages_by_assistant ON passages (workspace_id, assistant_id, length);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    terms, content = 'passages', content_rowid = 'number',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);

CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, terms) VALUES (new.number, new.terms);
END;

CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, terms) VALUES ('delete', old.number, old.terms);
END;
