DROP INDEX jobs_by_workspace;
DROP INDEX jobs_due;
DELETE FROM jobs WHERE kind IN ('embed_document', 'fetch_source', 'evaluate');
CREATE INDEX jobs_due ON jobs (due_at) WHERE status = 'queued';
ALTER TABLE jobs DROP COLUMN heavy;

UPDATE events SET payload = json_set(payload, '$.assistant_id', json_extract(payload, '$.assistants[0]'))
 WHERE json_extract(payload, '$.type') IN ('document.status', 'document.deleted')
   AND json_array_length(payload, '$.assistants') > 0;
UPDATE events SET payload = json_set(payload, '$.status', 'processing')
 WHERE json_extract(payload, '$.type') = 'document.status'
   AND json_extract(payload, '$.status') IN ('extracting', 'chunking', 'embedding');
DELETE FROM events
 WHERE json_extract(payload, '$.type')
       IN ('source.status', 'source.deleted', 'assistant.published', 'evaluation.status');

ALTER TABLE dialogs DROP COLUMN summary_seq;
ALTER TABLE dialogs DROP COLUMN summary;
DROP TABLE model_calls;
DROP TABLE model_providers;
DROP TABLE model_keys;
DROP TABLE evaluation_runs;
DROP TABLE question_sets;
DROP TABLE passage_vectors;

-- The earlier program reads text, Markdown and PDF, and a document belongs to one assistant.
DELETE FROM documents WHERE kind NOT IN ('text', 'markdown', 'pdf');
DELETE FROM documents WHERE NOT EXISTS (
    SELECT 1 FROM document_assistants AS links
     WHERE links.workspace_id = documents.workspace_id AND links.document_id = documents.id);

CREATE TABLE documents_old (
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

INSERT INTO documents_old
SELECT workspace_id, id, (SELECT MIN(assistant_id) FROM document_assistants AS links WHERE links.workspace_id = documents.workspace_id AND links.document_id = documents.id), name, kind, size, content_hash,
       CASE WHEN status IN ('queued', 'ready', 'failed') THEN status ELSE 'processing' END, error, passages,
       created_at, updated_at
  FROM documents;

CREATE TABLE document_files_old (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    document_id   BLOB NOT NULL,
    original      BLOB NOT NULL,
    text          TEXT,
    PRIMARY KEY (workspace_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents_old (workspace_id, id) ON DELETE CASCADE
) STRICT;

INSERT INTO document_files_old SELECT workspace_id, document_id, original, text FROM document_files;

CREATE TABLE passages_old (
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
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents_old (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

INSERT INTO passages_old
SELECT passages.number, passages.workspace_id, passages.id, documents_old.assistant_id, passages.document_id,
       passages.position, passages.headings, passages.text,
       'scope' || lower(hex(documents_old.assistant_id)) || ' ' || passages.terms,
       passages.length, passages.starts_at, passages.ends_at, passages.page
  FROM passages
  JOIN documents_old ON documents_old.workspace_id = passages.workspace_id
                    AND documents_old.id = passages.document_id;

DROP TABLE passages_fts;
DROP TABLE passages;
DROP TABLE document_files;
DROP TABLE document_assistants;
DROP TABLE documents;
ALTER TABLE documents_old RENAME TO documents;
ALTER TABLE document_files_old RENAME TO document_files;
ALTER TABLE passages_old RENAME TO passages;

CREATE INDEX documents_by_assistant ON documents (workspace_id, assistant_id, id);
CREATE INDEX passages_by_document ON passages (workspace_id, document_id, position);
CREATE INDEX passages_by_assistant ON passages (workspace_id, assistant_id, length);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    terms, content = 'passages', content_rowid = 'number',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);

INSERT INTO passages_fts (passages_fts) VALUES ('rebuild');

CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, terms) VALUES (new.number, new.terms);
END;

CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, terms) VALUES ('delete', old.number, old.terms);
END;

DROP TABLE sources;
DROP TABLE assistant_versions;
ALTER TABLE assistants DROP COLUMN gate;
ALTER TABLE assistants DROP COLUMN knowledge_revision;
ALTER TABLE assistants DROP COLUMN published;
ALTER TABLE assistants DROP COLUMN handoff_text;
ALTER TABLE assistants DROP COLUMN unverified;
ALTER TABLE assistants DROP COLUMN check_answers;
ALTER TABLE assistants DROP COLUMN time_zone;
ALTER TABLE assistants DROP COLUMN fallback_models;
