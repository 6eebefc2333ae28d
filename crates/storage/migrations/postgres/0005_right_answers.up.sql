ALTER TABLE assistants ADD COLUMN fallback_models JSONB NOT NULL DEFAULT '[]';
ALTER TABLE assistants ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE assistants ADD COLUMN check_answers BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE assistants ADD COLUMN unverified TEXT NOT NULL DEFAULT 'unknown' CHECK (unverified IN ('unknown', 'handoff'));
ALTER TABLE assistants ADD COLUMN handoff_text TEXT;
ALTER TABLE assistants ADD COLUMN published BIGINT NOT NULL DEFAULT 1;
ALTER TABLE assistants ADD COLUMN knowledge_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE assistants ADD COLUMN gate JSONB;

CREATE TABLE assistant_versions (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  UUID NOT NULL,
    number        BIGINT NOT NULL,
    settings      JSONB NOT NULL,
    note          TEXT NOT NULL,
    run_id        UUID,
    created_by    TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, assistant_id, number),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

-- What assistants answer with so far is their first version.
INSERT INTO assistant_versions (workspace_id, assistant_id, number, settings, note, created_by, created_at)
SELECT workspace_id, id, 1,
       jsonb_build_object(
           'name', name, 'model', model, 'system_prompt', system_prompt, 'temperature', temperature,
           'language', language, 'greeting', greeting, 'unknown_text', unknown_text,
           'fallback_text', fallback_text),
       '', '', updated_at
  FROM assistants;

CREATE TABLE sources (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    assistant_id  UUID NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('page', 'site', 'sitemap')),
    url           TEXT NOT NULL,
    depth         BIGINT NOT NULL,
    max_pages     BIGINT NOT NULL,
    every_hours   BIGINT,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'fetching', 'ready', 'failed')),
    error         TEXT,
    pages         BIGINT NOT NULL DEFAULT 0,
    bytes         BIGINT NOT NULL DEFAULT 0,
    fetched_at    TIMESTAMPTZ,
    next_at       TIMESTAMPTZ,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

CREATE INDEX sources_by_assistant ON sources (workspace_id, assistant_id, id);
CREATE INDEX sources_due ON sources (next_at) WHERE next_at IS NOT NULL;

ALTER TABLE documents DROP CONSTRAINT documents_kind_check;
ALTER TABLE documents DROP CONSTRAINT documents_status_check;
UPDATE documents SET status = 'queued' WHERE status = 'processing';
ALTER TABLE documents ADD CHECK (kind IN ('text', 'markdown', 'html', 'pdf', 'docx', 'xlsx', 'csv', 'pptx', 'json', 'rtf', 'odt', 'epub', 'eml', 'answer'));
ALTER TABLE documents ADD CHECK (status IN ('queued', 'extracting', 'chunking', 'embedding', 'ready', 'failed'));
ALTER TABLE documents ADD COLUMN title TEXT;
ALTER TABLE documents ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN stems BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN embedded BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN embedded_with TEXT;
ALTER TABLE documents ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN index_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN source_id UUID;
ALTER TABLE documents ADD COLUMN url TEXT;
ALTER TABLE documents ADD COLUMN etag TEXT;
ALTER TABLE documents ADD COLUMN last_modified TEXT;
ALTER TABLE documents ADD COLUMN misses BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD FOREIGN KEY (workspace_id, source_id) REFERENCES sources (workspace_id, id);
UPDATE documents
   SET stems = (SELECT COALESCE(SUM(length), 0) FROM passages
                 WHERE passages.workspace_id = documents.workspace_id AND passages.document_id = documents.id);

CREATE TABLE document_assistants (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  UUID NOT NULL,
    document_id   UUID NOT NULL,
    PRIMARY KEY (workspace_id, assistant_id, document_id),
    FOREIGN KEY (workspace_id, document_id) REFERENCES documents (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

INSERT INTO document_assistants (workspace_id, assistant_id, document_id)
SELECT workspace_id, assistant_id, id FROM documents;

DROP INDEX documents_by_assistant;
ALTER TABLE documents DROP COLUMN assistant_id;

-- The first term of a passage named its assistant. No word begins with the sign that scopes begin with.
DROP INDEX passages_full_text;
ALTER TABLE passages DROP COLUMN terms_vector;
DROP INDEX passages_by_assistant;
ALTER TABLE passages DROP COLUMN assistant_id;
ALTER TABLE passages ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE passages ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
UPDATE passages SET scopes = replace(split_part(terms, ' ', 1), 'scope', '@'), terms = ltrim(substr(terms, length(split_part(terms, ' ', 1)) + 1));
ALTER TABLE passages ALTER COLUMN hash DROP DEFAULT;
ALTER TABLE passages ALTER COLUMN scopes DROP DEFAULT;
ALTER TABLE passages ADD COLUMN terms_vector tsvector
    GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(scopes || ' ' || terms, ' '), ''))) STORED;
CREATE INDEX passages_full_text ON passages USING gin (terms_vector);

CREATE INDEX documents_by_source ON documents (workspace_id, source_id, url) WHERE source_id IS NOT NULL;
CREATE INDEX documents_by_index ON documents (index_version) WHERE status = 'ready';
CREATE INDEX document_assistants_by_document ON document_assistants (workspace_id, document_id);

CREATE INDEX passages_by_hash ON passages (workspace_id, hash);

CREATE TABLE passage_vectors (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    passage_id    UUID NOT NULL,
    model         TEXT NOT NULL,
    vector        BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, passage_id, model),
    FOREIGN KEY (workspace_id, passage_id) REFERENCES passages (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE question_sets (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    assistant_id  UUID NOT NULL,
    name          TEXT NOT NULL,
    questions     JSONB NOT NULL,
    size          BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

CREATE INDEX question_sets_by_assistant ON question_sets (workspace_id, assistant_id, id);

CREATE TABLE evaluation_runs (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    set_id        UUID NOT NULL,
    assistant_id  UUID NOT NULL,
    version       BIGINT,
    settings_hash TEXT NOT NULL,
    answers       BOOLEAN NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    done          BIGINT NOT NULL DEFAULT 0,
    total         BIGINT NOT NULL,
    metrics       JSONB,
    results       JSONB,
    error         TEXT,
    created_at    TIMESTAMPTZ NOT NULL,
    finished_at   TIMESTAMPTZ,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, set_id) REFERENCES question_sets (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);

CREATE INDEX evaluation_runs_by_set ON evaluation_runs (workspace_id, set_id, id);

CREATE TABLE model_keys (
    id                UUID NOT NULL PRIMARY KEY,
    provider          TEXT NOT NULL,
    name              TEXT NOT NULL,
    secret_sealed     BYTEA NOT NULL,
    hint              TEXT NOT NULL,
    priority          BIGINT NOT NULL,
    daily_requests    BIGINT,
    monthly_requests  BIGINT,
    daily_cost        BIGINT,
    monthly_cost      BIGINT,
    enabled           BOOLEAN NOT NULL,
    fault             TEXT,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL
);

CREATE TABLE model_providers (
    name        TEXT NOT NULL PRIMARY KEY,
    protocol    TEXT NOT NULL CHECK (protocol IN ('completions', 'responses', 'messages')),
    base_url    TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE model_calls (
    workspace_id       UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id                 UUID NOT NULL,
    assistant_id       UUID NOT NULL,
    dialog_id          UUID,
    message_id         UUID,
    purpose            TEXT NOT NULL CHECK (purpose IN ('answer', 'regenerate', 'rewrite', 'summary', 'embedding', 'preview', 'evaluation')),
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    key_id             UUID,
    prompt_tokens      BIGINT NOT NULL,
    completion_tokens  BIGINT NOT NULL,
    estimated          BOOLEAN NOT NULL,
    cost               BIGINT NOT NULL,
    first_token_ms     BIGINT,
    duration_ms        BIGINT NOT NULL,
    outcome            TEXT NOT NULL,
    day                TEXT NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);

CREATE INDEX model_calls_by_day ON model_calls (workspace_id, day, assistant_id);
CREATE INDEX model_calls_by_dialog ON model_calls (workspace_id, dialog_id) WHERE dialog_id IS NOT NULL;
CREATE INDEX model_calls_by_key ON model_calls (key_id, day) WHERE key_id IS NOT NULL;

ALTER TABLE dialogs ADD COLUMN summary TEXT;
ALTER TABLE dialogs ADD COLUMN summary_seq BIGINT NOT NULL DEFAULT 0;

-- The log tells of documents that were being read under an earlier word.
UPDATE events SET payload = jsonb_set(payload, '{status}', '"extracting"')
 WHERE payload ->> 'type' = 'document.status' AND payload ->> 'status' = 'processing';

ALTER TABLE jobs ADD COLUMN heavy BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE jobs SET heavy = TRUE WHERE kind = 'index_document';
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (heavy, due_at) WHERE status = 'queued';
CREATE INDEX jobs_by_workspace ON jobs (workspace_id, kind) WHERE status = 'queued';
