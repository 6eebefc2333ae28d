-- A channel is a way in which customers and an assistant write to each other; a Telegram bot is one kind. Channels keep
-- the ids that their bots had. `kind` has no CHECK, so that a new kind rebuilds no table.
-- Lost on the way back: channels WHERE kind <> 'telegram'
CREATE TABLE channels (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('running', 'stopped', 'failed')),
    error         TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    deleted_at    TEXT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;
INSERT INTO channels (workspace_id, id, assistant_id, kind, name, status, error, created_at, updated_at, deleted_at)
SELECT workspace_id, id, assistant_id, 'telegram', username, status, error, created_at, updated_at, deleted_at FROM bots;

-- What is Telegram's of a channel. A row whose bot was deleted or connected elsewhere is released: another row may hold
-- the bot.
CREATE TABLE telegram_bots (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    channel_id    BLOB NOT NULL,
    telegram_id   INTEGER NOT NULL,
    token_sealed  BLOB NOT NULL,
    hook_path     TEXT NOT NULL UNIQUE,
    mode          TEXT NOT NULL CHECK (mode IN ('auto', 'webhook', 'polling')),
    poll_offset   INTEGER,
    released_at   TEXT,
    PRIMARY KEY (workspace_id, channel_id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) STRICT;
INSERT INTO telegram_bots (workspace_id, channel_id, telegram_id, token_sealed, hook_path, mode, poll_offset, released_at)
SELECT workspace_id, id, telegram_id, token_sealed, hook_path, mode, poll_offset, COALESCE(moved_at, deleted_at) FROM bots;

CREATE TABLE deliveries (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    channel_id    BLOB NOT NULL,
    key           TEXT NOT NULL,
    received_at   TEXT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, key),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) STRICT;
INSERT INTO deliveries (workspace_id, channel_id, key, received_at)
SELECT workspace_id, bot_id, CAST(update_id AS TEXT), received_at FROM updates;
DROP TABLE updates;

CREATE TABLE contacts_new (
    workspace_id    BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id              BLOB NOT NULL,
    channel_id      BLOB NOT NULL,
    address         TEXT NOT NULL,
    chat_kind       TEXT NOT NULL CHECK (chat_kind IN ('private', 'group')),
    display_name    TEXT NOT NULL,
    language_code   TEXT,
    blocked_at      TEXT,
    created_at      TEXT NOT NULL,
    former_address  TEXT,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, channel_id, address),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) STRICT;
INSERT INTO contacts_new (workspace_id, id, channel_id, address, chat_kind, display_name, language_code, blocked_at,
                          created_at, former_address)
SELECT workspace_id, id, bot_id, CAST(chat_id AS TEXT), chat_kind, display_name, language_code, blocked_at,
       created_at, CAST(former_chat_id AS TEXT)
  FROM contacts;
DROP TABLE contacts;
ALTER TABLE contacts_new RENAME TO contacts;

CREATE TABLE dialogs_new (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            BLOB NOT NULL,
    assistant_id  BLOB NOT NULL,
    channel_id    BLOB NOT NULL,
    contact_id    BLOB NOT NULL,
    control       TEXT NOT NULL CHECK (control IN ('ai', 'waiting', 'human', 'closed')),
    epoch         INTEGER NOT NULL,
    last_seq      INTEGER NOT NULL,
    heard_seq     INTEGER NOT NULL,
    answered_seq  INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    summary       TEXT,
    summary_seq   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)
) STRICT;
INSERT INTO dialogs_new (workspace_id, id, assistant_id, channel_id, contact_id, control, epoch, last_seq, heard_seq,
                         answered_seq, created_at, updated_at, summary, summary_seq)
SELECT workspace_id, id, assistant_id, bot_id, contact_id, control, epoch, last_seq, heard_seq,
       answered_seq, created_at, updated_at, summary, summary_seq
  FROM dialogs;
DROP TABLE dialogs;
ALTER TABLE dialogs_new RENAME TO dialogs;

ALTER TABLE messages ADD COLUMN channel_message TEXT;
UPDATE messages SET channel_message = CAST(channel_message_id AS TEXT) WHERE channel_message_id IS NOT NULL;
ALTER TABLE messages DROP COLUMN channel_message_id;

CREATE TABLE outbox_new (
    workspace_id     BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id               BLOB NOT NULL,
    channel_id       BLOB NOT NULL,
    contact_id       BLOB NOT NULL,
    address          TEXT NOT NULL,
    chat_kind        TEXT NOT NULL CHECK (chat_kind IN ('private', 'group')),
    dialog_id        BLOB NOT NULL,
    message_id       BLOB NOT NULL,
    position         INTEGER NOT NULL,
    part             INTEGER NOT NULL,
    parts            INTEGER NOT NULL,
    content          TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'uncertain', 'failed')),
    attempts         INTEGER NOT NULL DEFAULT 0,
    uncertain        INTEGER NOT NULL DEFAULT 0,
    due_at           TEXT NOT NULL,
    claimed_by       BLOB,
    channel_message  TEXT,
    error            TEXT,
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL,
    former_address   TEXT,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, channel_id, address, position),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
) STRICT;
INSERT INTO outbox_new (workspace_id, id, channel_id, contact_id, address, chat_kind, dialog_id, message_id, position,
                        part, parts, content, status, attempts, uncertain, due_at, claimed_by, channel_message, error,
                        created_at, updated_at, former_address)
SELECT workspace_id, id, bot_id, contact_id, CAST(chat_id AS TEXT), chat_kind, dialog_id, message_id, position,
       part, parts,
       CASE WHEN formatted IS NULL THEN json_object('kind', 'text', 'plain', plain)
            ELSE json_object('kind', 'text', 'plain', plain, 'markup', formatted) END,
       status, attempts, uncertain, due_at, claimed_by, CAST(channel_message_id AS TEXT), error,
       created_at, updated_at, CAST(former_chat_id AS TEXT)
  FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;

DROP TABLE bots;

CREATE INDEX channels_running ON channels (status) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX telegram_bots_held ON telegram_bots (telegram_id) WHERE released_at IS NULL;
CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX contacts_by_former_address ON contacts (workspace_id, channel_id, former_address)
    WHERE former_address IS NOT NULL;
CREATE UNIQUE INDEX dialogs_open ON dialogs (workspace_id, contact_id) WHERE control <> 'closed';
CREATE INDEX outbox_due ON outbox (due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE status = 'sending';
CREATE INDEX outbox_unfinished ON outbox (workspace_id, channel_id, address, position)
    WHERE status IN ('queued', 'sending', 'uncertain');
CREATE INDEX outbox_by_message ON outbox (workspace_id, message_id, part);
CREATE INDEX outbox_shares ON outbox (workspace_id, due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_sending ON outbox (workspace_id) WHERE status = 'sending';
