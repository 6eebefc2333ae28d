CREATE TABLE processes (
    id       UUID NOT NULL PRIMARY KEY,
    beat_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE users (
    id             UUID NOT NULL PRIMARY KEY,
    email          TEXT NOT NULL UNIQUE,
    name           TEXT,
    password_hash  TEXT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL
);

CREATE TABLE workspaces (
    id          UUID NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE members (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL REFERENCES users (id),
    role          TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);

CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE assistants (
    workspace_id   UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id             UUID NOT NULL,
    name           TEXT NOT NULL,
    model          TEXT,
    system_prompt  TEXT NOT NULL,
    temperature    DOUBLE PRECISION NOT NULL,
    language       TEXT NOT NULL CHECK (language IN ('en', 'ru')),
    greeting       TEXT,
    unknown_text   TEXT,
    fallback_text  TEXT,
    version        BIGINT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL,
    deleted_at     TIMESTAMPTZ,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE jobs (
    id            UUID NOT NULL PRIMARY KEY,
    workspace_id  UUID REFERENCES workspaces (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL,
    payload       JSONB NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'running', 'dead')),
    attempts      BIGINT NOT NULL DEFAULT 0,
    due_at        TIMESTAMPTZ NOT NULL,
    claimed_by    UUID,
    error         TEXT,
    created_at    TIMESTAMPTZ NOT NULL
);

CREATE INDEX jobs_due ON jobs (due_at) WHERE status = 'queued';
CREATE INDEX jobs_claimed ON jobs (claimed_by) WHERE claimed_by IS NOT NULL;

CREATE TABLE event_heads (
    workspace_id  UUID NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    seq           BIGINT NOT NULL
);

CREATE TABLE events (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    seq           BIGINT NOT NULL,
    payload       JSONB NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, seq)
);
