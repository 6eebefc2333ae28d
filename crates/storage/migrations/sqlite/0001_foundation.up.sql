CREATE TABLE processes (
    id       BLOB NOT NULL PRIMARY KEY,
    beat_at  TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    id             BLOB NOT NULL PRIMARY KEY,
    email          TEXT NOT NULL UNIQUE,
    name           TEXT,
    password_hash  TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT;

CREATE TABLE workspaces (
    id          BLOB NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE members (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       BLOB NOT NULL REFERENCES users (id),
    role          TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) STRICT;

CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE assistants (
    workspace_id   BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id             BLOB NOT NULL,
    name           TEXT NOT NULL,
    model          TEXT,
    system_prompt  TEXT NOT NULL,
    temperature    REAL NOT NULL,
    language       TEXT NOT NULL CHECK (language IN ('en', 'ru')),
    greeting       TEXT,
    unknown_text   TEXT,
    fallback_text  TEXT,
    version        INTEGER NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    deleted_at     TEXT,
    PRIMARY KEY (workspace_id, id)
) STRICT;

CREATE TABLE jobs (
    id            BLOB NOT NULL PRIMARY KEY,
    workspace_id  BLOB REFERENCES workspaces (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    payload       TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'running', 'dead')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        TEXT NOT NULL,
    claimed_by    BLOB,
    error         TEXT,
    created_at    TEXT NOT NULL
) STRICT;

CREATE INDEX jobs_due ON jobs (due_at) WHERE status = 'queued';
CREATE INDEX jobs_claimed ON jobs (claimed_by) WHERE claimed_by IS NOT NULL;

CREATE TABLE event_heads (
    workspace_id  BLOB NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    seq           INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    seq           INTEGER NOT NULL,
    payload       TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, seq)
) STRICT;
