ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'ru'));
ALTER TABLE users ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1));
ALTER TABLE users ADD COLUMN blocked_at TEXT;
ALTER TABLE users ADD COLUMN delete_at TEXT;
ALTER TABLE users ADD COLUMN totp_sealed BLOB;
ALTER TABLE users ADD COLUMN totp_confirmed_at TEXT;
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_to_delete ON users (delete_at) WHERE delete_at IS NOT NULL;

ALTER TABLE workspaces ADD COLUMN suspended_at TEXT;
ALTER TABLE members ADD COLUMN suspended_at TEXT;

CREATE TABLE recovery_codes (
    user_id    BLOB NOT NULL REFERENCES users (id),
    code_hash  TEXT NOT NULL,
    used_at    TEXT,
    PRIMARY KEY (user_id, code_hash)
) STRICT;

CREATE TABLE sessions (
    id            BLOB NOT NULL PRIMARY KEY,
    user_id       BLOB NOT NULL REFERENCES users (id),
    address       TEXT NOT NULL,
    user_agent    TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    last_used_at  TEXT NOT NULL,
    expires_at    TEXT NOT NULL,
    revoked_at    TEXT
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_to_forget ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    token_hash  TEXT NOT NULL PRIMARY KEY,
    session_id  BLOB NOT NULL REFERENCES sessions (id),
    created_at  TEXT NOT NULL,
    used_at     TEXT
) STRICT;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE registrations (
    email          TEXT NOT NULL PRIMARY KEY,
    user_id        BLOB NOT NULL,
    workspace_id   BLOB NOT NULL,
    name           TEXT,
    language       TEXT NOT NULL CHECK (language IN ('en', 'ru')),
    password_hash  TEXT NOT NULL,
    code_hash      TEXT NOT NULL,
    tries_left     INTEGER NOT NULL,
    expires_at     TEXT NOT NULL,
    created_at     TEXT NOT NULL
) STRICT;

CREATE INDEX registrations_to_forget ON registrations (expires_at);

CREATE TABLE password_resets (
    token_hash  TEXT NOT NULL PRIMARY KEY,
    user_id     BLOB NOT NULL REFERENCES users (id),
    expires_at  TEXT NOT NULL
) STRICT;

CREATE INDEX password_resets_by_user ON password_resets (user_id);
CREATE INDEX password_resets_to_forget ON password_resets (expires_at);

CREATE TABLE login_attempts (
    account_hash  TEXT NOT NULL PRIMARY KEY,
    failures      INTEGER NOT NULL,
    last_at       TEXT NOT NULL
) STRICT;

CREATE INDEX login_attempts_to_forget ON login_attempts (last_at);

CREATE TABLE invitations (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    email         TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'viewer')),
    token_hash    TEXT NOT NULL UNIQUE,
    invited_by    BLOB NOT NULL,
    expires_at    TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, email)
) STRICT;

CREATE TABLE api_keys (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    prefix        TEXT NOT NULL,
    key_hash      TEXT NOT NULL UNIQUE,
    scopes        TEXT NOT NULL,
    created_by    BLOB NOT NULL,
    expires_at    TEXT,
    last_used_at  TEXT,
    created_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;

CREATE TABLE audit_heads (
    chain  TEXT NOT NULL PRIMARY KEY,
    seq    INTEGER NOT NULL,
    hash   TEXT NOT NULL
) STRICT;

CREATE TABLE audit_entries (
    chain       TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    actor       TEXT NOT NULL CHECK (actor IN ('user', 'api_key', 'admin', 'system', 'nobody')),
    actor_id    BLOB,
    actor_name  TEXT NOT NULL,
    action      TEXT NOT NULL,
    target      TEXT NOT NULL,
    target_id   TEXT,
    address     TEXT NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
    details     TEXT NOT NULL,
    hash        TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT;

CREATE TABLE idempotency_keys (
    scope            TEXT NOT NULL,
    key              TEXT NOT NULL,
    request_hash     TEXT NOT NULL,
    status           INTEGER,
    response_sealed  BLOB,
    created_at       TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;

CREATE INDEX idempotency_keys_to_forget ON idempotency_keys (created_at);

CREATE TABLE settings (
    name        TEXT NOT NULL PRIMARY KEY,
    value       TEXT NOT NULL,
    updated_by  BLOB,
    updated_at  TEXT NOT NULL
) STRICT;
