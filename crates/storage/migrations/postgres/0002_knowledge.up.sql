CREATE TABLE documents (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    assistant_id  UUID NOT NULL,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('text', 'markdown', 'pdf')),
    size          BIGINT NOT NULL,
    content_hash  TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'ready', 'failed')),
    error         TEXT,
    passages      BIGINT NOT NULL DEFAULT 0,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

CREATE INDEX documents_by_assistant ON documents (workspace_id, assistant_id, id);

CREATE TABLE document_files (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    document_id   UUID NOT NULL,
    original      BYTEA NOT NULL,
    text          TEXT,
    PRIMARY KEY (workspace_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE passages (
    number        BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    assistant_id  UUID NOT NULL,
    document_id   UUID NOT NULL,
    position      BIGINT NOT NULL,
    headings      TEXT NOT NULL,
    text          TEXT NOT NULL,
    terms         TEXT NOT NULL,
    length        BIGINT NOT NULL,
    starts_at     BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    page          BIGINT,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

CREATE INDEX passages_by_document ON passages (workspace_id, document_id, position);
CREATE INDEX passages_by_assistant ON passages (workspace_id, assistant_id, length);

-- The terms as they are: the server's own parser would cut them differently for each locale.
ALTER TABLE passages ADD COLUMN terms_vector tsvector
    GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(terms, ' '), ''))) STORED;
CREATE INDEX passages_full_text ON passages USING gin (terms_vector);
