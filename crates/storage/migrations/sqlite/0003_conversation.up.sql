CREATE TABLE bots (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    telegram_id   INTEGER NOT NULL,
    username      TEXT NOT NULL,
    token_sealed  BLOB NOT NULL,
    hook_path     TEXT NOT NULL UNIQUE,
    mode          TEXT NOT NULL CHECK (mode IN ('auto', 'webhook', 'polling')),
    status        TEXT NOT NULL CHECK (status IN ('running', 'stopped', 'failed')),
    error         TEXT,
    poll_offset   INTEGER,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    deleted_at    TEXT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;

CREATE UNIQUE INDEX bots_by_telegram_id ON bots (telegram_id) WHERE deleted_at IS NULL;
CREATE INDEX bots_running ON bots (status) WHERE deleted_at IS NULL;

CREATE TABLE updates (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bot_id        BLOB NOT NULL,
    update_id     INTEGER NOT NULL,
    received_at   TEXT NOT NULL,
    PRIMARY KEY (workspace_id, bot_id, update_id),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id)
) STRICT;

CREATE INDEX updates_by_time ON updates (received_at);

CREATE TABLE contacts (
    workspace_id   BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id             BLOB NOT NULL,
    bot_id         BLOB NOT NULL,
    chat_id        INTEGER NOT NULL,
    chat_kind      TEXT NOT NULL CHECK (chat_kind IN ('private', 'group')),
    display_name   TEXT NOT NULL,
    language_code  TEXT,
    blocked_at     TEXT,
    created_at     TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, bot_id, chat_id),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id)
) STRICT;

CREATE TABLE dialogs (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    bot_id        BLOB NOT NULL,
    contact_id    BLOB NOT NULL,
    control       TEXT NOT NULL CHECK (control IN ('ai', 'waiting', 'human', 'closed')),
    epoch         INTEGER NOT NULL,
    last_seq      INTEGER NOT NULL,
    heard_seq     INTEGER NOT NULL,
    answered_seq  INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)
) STRICT;

CREATE UNIQUE INDEX dialogs_open ON dialogs (workspace_id, contact_id) WHERE control <> 'closed';

CREATE TABLE messages (
    workspace_id        BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id                  BLOB NOT NULL,
    dialog_id           BLOB NOT NULL,
    seq                 INTEGER NOT NULL,
    author              TEXT NOT NULL CHECK (author IN ('customer', 'assistant', 'operator', 'system')),
    kind                TEXT NOT NULL CHECK (kind IN ('text', 'start', 'unsupported')),
    text                TEXT NOT NULL,
    delivery            TEXT NOT NULL CHECK (delivery IN ('none', 'queued', 'delivered', 'failed')),
    answer              TEXT,
    channel_message_id  INTEGER,
    created_at          TEXT NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id, seq),
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
) STRICT;

CREATE TABLE turns (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     BLOB NOT NULL,
    due_at        TEXT NOT NULL,
    due_latest    TEXT NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    claimed_by    BLOB,
    PRIMARY KEY (workspace_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
) STRICT;

CREATE INDEX turns_due ON turns (due_at) WHERE claimed_by IS NULL;
CREATE INDEX turns_claimed ON turns (claimed_by) WHERE claimed_by IS NOT NULL;

CREATE TABLE outbox (
    workspace_id        BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id                  BLOB NOT NULL,
    bot_id              BLOB NOT NULL,
    contact_id          BLOB NOT NULL,
    chat_id             INTEGER NOT NULL,
    chat_kind           TEXT NOT NULL CHECK (chat_kind IN ('private', 'group')),
    dialog_id           BLOB NOT NULL,
    message_id          BLOB NOT NULL,
    position            INTEGER NOT NULL,
    part                INTEGER NOT NULL,
    parts               INTEGER NOT NULL,
    formatted           TEXT,
    plain               TEXT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'uncertain', 'failed')),
    attempts            INTEGER NOT NULL DEFAULT 0,
    uncertain           INTEGER NOT NULL DEFAULT 0,
    due_at              TEXT NOT NULL,
    claimed_by          BLOB,
    channel_message_id  INTEGER,
    error               TEXT,
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, bot_id, chat_id, position),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE status = 'sending';
CREATE INDEX outbox_unfinished ON outbox (workspace_id, bot_id, chat_id, position)
    WHERE status IN ('queued', 'sending', 'uncertain');
CREATE INDEX outbox_by_message ON outbox (workspace_id, message_id, part);
