ALTER TABLE assistants ADD COLUMN fallback_models TEXT NOT NULL DEFAULT '[]';
ALTER TABLE assistants ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE assistants ADD COLUMN check_answers INTEGER NOT NULL DEFAULT 1 CHECK (check_answers IN (0, 1));
ALTER TABLE assistants ADD COLUMN unverified TEXT NOT NULL DEFAULT 'unknown' CHECK (unverified IN ('unknown', 'handoff'));
ALTER TABLE assistants ADD COLUMN handoff_text TEXT;
ALTER TABLE assistants ADD COLUMN published INTEGER NOT NULL DEFAULT 1;
ALTER TABLE assistants ADD COLUMN knowledge_revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assistants ADD COLUMN gate TEXT;

CREATE TABLE assistant_versions (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  BLOB NOT NULL,
    number        INTEGER NOT NULL,
    settings      TEXT NOT NULL,
    note          TEXT NOT NULL,
    run_id        BLOB,
    created_by    TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, assistant_id, number),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

-- What assistants answer with so far is their first version.
INSERT INTO assistant_versions (workspace_id, assistant_id, number, settings, note, created_by, created_at)
SELECT workspace_id, id, 1,
       json_object(
           'name', name, 'model', model, 'system_prompt', system_prompt, 'temperature', temperature,
           'language', language, 'greeting', greeting, 'unknown_text', unknown_text,
           'fallback_text', fallback_text),
       '', '', updated_at
  FROM assistants;

CREATE TABLE sources (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('page', 'site', 'sitemap')),
    url           TEXT NOT NULL,
    depth         INTEGER NOT NULL,
    max_pages     INTEGER NOT NULL,
    every_hours   INTEGER,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'fetching', 'ready', 'failed')),
    error         TEXT,
    pages         INTEGER NOT NULL DEFAULT 0,
    bytes         INTEGER NOT NULL DEFAULT 0,
    fetched_at    TEXT,
    next_at       TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

CREATE INDEX sources_by_assistant ON sources (workspace_id, assistant_id, id);
CREATE INDEX sources_due ON sources (next_at) WHERE next_at IS NOT NULL;

-- SQLite cannot change a CHECK or drop a key: the tables are made anew, children before parents.
CREATE TABLE documents_new (
    workspace_id   BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id             BLOB NOT NULL,
    name           TEXT NOT NULL,
    title          TEXT,
    kind           TEXT NOT NULL CHECK (kind IN ('text', 'markdown', 'html', 'pdf', 'docx', 'xlsx', 'csv', 'pptx', 'json', 'rtf', 'odt', 'epub', 'eml', 'answer')),
    size           INTEGER NOT NULL,
    content_hash   TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('queued', 'extracting', 'chunking', 'embedding', 'ready', 'failed')),
    error          TEXT,
    language       TEXT NOT NULL DEFAULT '',
    passages       INTEGER NOT NULL DEFAULT 0,
    stems          INTEGER NOT NULL DEFAULT 0,
    embedded       INTEGER NOT NULL DEFAULT 0,
    embedded_with  TEXT,
    revision       INTEGER NOT NULL DEFAULT 0,
    index_version  INTEGER NOT NULL DEFAULT 0,
    source_id      BLOB,
    url            TEXT,
    etag           TEXT,
    last_modified  TEXT,
    misses         INTEGER NOT NULL DEFAULT 0,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, source_id) REFERENCES sources (workspace_id, id)
) STRICT;

INSERT INTO documents_new (workspace_id, id, name, kind, size, content_hash, status, error, passages, stems,
                           created_at, updated_at)
SELECT workspace_id, id, name, kind, size, content_hash,
       CASE status WHEN 'processing' THEN 'queued' ELSE status END, error, passages,
       (SELECT COALESCE(SUM(length), 0) FROM passages
         WHERE passages.workspace_id = documents.workspace_id AND passages.document_id = documents.id),
       created_at, updated_at
  FROM documents;

CREATE TABLE document_assistants (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  BLOB NOT NULL,
    document_id   BLOB NOT NULL,
    PRIMARY KEY (workspace_id, assistant_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents_new (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

INSERT INTO document_assistants (workspace_id, assistant_id, document_id)
SELECT workspace_id, assistant_id, id FROM documents;

CREATE TABLE document_files_new (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    document_id   BLOB NOT NULL,
    original      BLOB NOT NULL,
    text          TEXT,
    PRIMARY KEY (workspace_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents_new (workspace_id, id) ON DELETE CASCADE
) STRICT;

INSERT INTO document_files_new SELECT workspace_id, document_id, original, text FROM document_files;

CREATE TABLE passages_new (
    number        INTEGER NOT NULL PRIMARY KEY,
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    document_id   BLOB NOT NULL,
    position      INTEGER NOT NULL,
    headings      TEXT NOT NULL,
    text          TEXT NOT NULL,
    hash          TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    terms         TEXT NOT NULL,
    length        INTEGER NOT NULL,
    starts_at     INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL,
    page          INTEGER,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents_new (workspace_id, id) ON DELETE CASCADE
) STRICT;

-- The first term of a passage named its assistant: a word could imitate it, so it gets a column of its own.
INSERT INTO passages_new
SELECT number, workspace_id, id, document_id, position, headings, text, '',
       replace(substr(terms, 1, instr(terms || ' ', ' ') - 1), 'scope', '@'), ltrim(substr(terms, instr(terms || ' ', ' '))),
       length, starts_at, ends_at, page
  FROM passages;

DROP TABLE passages_fts;
DROP TABLE passages;
DROP TABLE document_files;
DROP TABLE documents;
ALTER TABLE documents_new RENAME TO documents;
ALTER TABLE document_files_new RENAME TO document_files;
ALTER TABLE passages_new RENAME TO passages;

CREATE INDEX documents_by_source ON documents (workspace_id, source_id, url) WHERE source_id IS NOT NULL;
CREATE INDEX documents_by_index ON documents (index_version) WHERE status = 'ready';
CREATE INDEX document_assistants_by_document ON document_assistants (workspace_id, document_id);

CREATE INDEX passages_by_document ON passages (workspace_id, document_id, position);

CREATE INDEX passages_by_hash ON passages (workspace_id, hash);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    scopes, terms, content = 'passages', content_rowid = 'number',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);

INSERT INTO passages_fts (passages_fts) VALUES ('rebuild');

CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, scopes, terms) VALUES (new.number, new.scopes, new.terms);
END;

CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, scopes, terms) VALUES ('delete', old.number, old.scopes, old.terms);
END;

CREATE TRIGGER passages_updated AFTER UPDATE OF scopes, terms ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, scopes, terms) VALUES ('delete', old.number, old.scopes, old.terms);
    INSERT INTO passages_fts (rowid, scopes, terms) VALUES (new.number, new.scopes, new.terms);
END;

CREATE TABLE passage_vectors (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    passage_id    BLOB NOT NULL,
    model         TEXT NOT NULL,
    vector        BLOB NOT NULL,
    PRIMARY KEY (workspace_id, passage_id, model),
    FOREIGN KEY (workspace_id, passage_id) REFERENCES passages (workspace_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE question_sets (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    name          TEXT NOT NULL,
    questions     TEXT NOT NULL,
    size          INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

CREATE INDEX question_sets_by_assistant ON question_sets (workspace_id, assistant_id, id);

CREATE TABLE evaluation_runs (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    set_id        BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    version       INTEGER,
    settings_hash TEXT NOT NULL,
    answers       INTEGER NOT NULL CHECK (answers IN (0, 1)),
    status        TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    done          INTEGER NOT NULL DEFAULT 0,
    total         INTEGER NOT NULL,
    metrics       TEXT,
    results       TEXT,
    error         TEXT,
    created_at    TEXT NOT NULL,
    finished_at   TEXT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, set_id) REFERENCES question_sets (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

CREATE INDEX evaluation_runs_by_set ON evaluation_runs (workspace_id, set_id, id);

CREATE TABLE model_keys (
    id                BLOB NOT NULL PRIMARY KEY,
    provider          TEXT NOT NULL,
    name              TEXT NOT NULL,
    secret_sealed     BLOB NOT NULL,
    hint              TEXT NOT NULL,
    priority          INTEGER NOT NULL,
    daily_requests    INTEGER,
    monthly_requests  INTEGER,
    daily_cost        INTEGER,
    monthly_cost      INTEGER,
    enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    fault             TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
) STRICT;

CREATE TABLE model_providers (
    name        TEXT NOT NULL PRIMARY KEY,
    protocol    TEXT NOT NULL CHECK (protocol IN ('completions', 'responses', 'messages')),
    base_url    TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;

CREATE TABLE model_calls (
    workspace_id       BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id                 BLOB NOT NULL,
    assistant_id       BLOB NOT NULL,
    dialog_id          BLOB,
    message_id         BLOB,
    purpose            TEXT NOT NULL CHECK (purpose IN ('answer', 'regenerate', 'rewrite', 'summary', 'embedding', 'preview', 'evaluation')),
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    key_id             BLOB,
    prompt_tokens      INTEGER NOT NULL,
    completion_tokens  INTEGER NOT NULL,
    estimated          INTEGER NOT NULL CHECK (estimated IN (0, 1)),
    cost               INTEGER NOT NULL,
    first_token_ms     INTEGER,
    duration_ms        INTEGER NOT NULL,
    outcome            TEXT NOT NULL,
    day                TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
) STRICT;

CREATE INDEX model_calls_by_day ON model_calls (workspace_id, day, assistant_id);
CREATE INDEX model_calls_by_dialog ON model_calls (workspace_id, dialog_id) WHERE dialog_id IS NOT NULL;
CREATE INDEX model_calls_by_key ON model_calls (key_id, day) WHERE key_id IS NOT NULL;

ALTER TABLE dialogs ADD COLUMN summary TEXT;
ALTER TABLE dialogs ADD COLUMN summary_seq INTEGER NOT NULL DEFAULT 0;

-- The log tells of documents that were being read under an earlier word.
UPDATE events SET payload = json_set(payload, '$.status', 'extracting')
 WHERE json_extract(payload, '$.type') = 'document.status' AND json_extract(payload, '$.status') = 'processing';

ALTER TABLE jobs ADD COLUMN heavy INTEGER NOT NULL DEFAULT 0 CHECK (heavy IN (0, 1));
UPDATE jobs SET heavy = 1 WHERE kind = 'index_document';
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (heavy, due_at) WHERE status = 'queued';
CREATE INDEX jobs_by_workspace ON jobs (workspace_id, kind) WHERE status = 'queued';
