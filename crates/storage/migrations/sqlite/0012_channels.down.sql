-- Before this migration there were no other channels than bots: what others hold goes.
DELETE FROM outbox WHERE (workspace_id, channel_id) IN (SELECT workspace_id, id FROM channels WHERE kind <> 'telegram');
DELETE FROM deliveries
 WHERE (workspace_id, channel_id) IN (SELECT workspace_id, id FROM channels WHERE kind <> 'telegram');
DELETE FROM turns
 WHERE (workspace_id, dialog_id) IN
       (SELECT d.workspace_id, d.id FROM dialogs d
          JOIN channels c ON c.workspace_id = d.workspace_id AND c.id = d.channel_id WHERE c.kind <> 'telegram');
DELETE FROM messages
 WHERE (workspace_id, dialog_id) IN
       (SELECT d.workspace_id, d.id FROM dialogs d
          JOIN channels c ON c.workspace_id = d.workspace_id AND c.id = d.channel_id WHERE c.kind <> 'telegram');
DELETE FROM contact_days
 WHERE (workspace_id, contact_id) IN
       (SELECT p.workspace_id, p.id FROM contacts p
          JOIN channels c ON c.workspace_id = p.workspace_id AND c.id = p.channel_id WHERE c.kind <> 'telegram');
DELETE FROM dialogs WHERE (workspace_id, channel_id) IN (SELECT workspace_id, id FROM channels WHERE kind <> 'telegram');
DELETE FROM contacts WHERE (workspace_id, channel_id) IN (SELECT workspace_id, id FROM channels WHERE kind <> 'telegram');

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
    moved_at      TEXT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;
INSERT INTO bots (workspace_id, id, assistant_id, telegram_id, username, token_sealed, hook_path, mode, status, error,
                  poll_offset, created_at, updated_at, deleted_at, moved_at)
SELECT c.workspace_id, c.id, c.assistant_id, t.telegram_id, c.name, t.token_sealed, t.hook_path, t.mode, c.status, c.error,
       t.poll_offset, c.created_at, c.updated_at, c.deleted_at, CASE WHEN c.deleted_at IS NULL THEN t.released_at END
  FROM channels c JOIN telegram_bots t ON t.workspace_id = c.workspace_id AND t.channel_id = c.id;

CREATE TABLE updates (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bot_id        BLOB NOT NULL,
    update_id     INTEGER NOT NULL,
    received_at   TEXT NOT NULL,
    PRIMARY KEY (workspace_id, bot_id, update_id),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id)
) STRICT;
INSERT INTO updates (workspace_id, bot_id, update_id, received_at)
SELECT workspace_id, channel_id, CAST(key AS INTEGER), received_at FROM deliveries;
DROP TABLE deliveries;

CREATE TABLE contacts_old (
    workspace_id    BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id              BLOB NOT NULL,
    bot_id          BLOB NOT NULL,
    chat_id         INTEGER NOT NULL,
    chat_kind       TEXT NOT NULL CHECK (chat_kind IN ('private', 'group')),
    display_name    TEXT NOT NULL,
    language_code   TEXT,
    blocked_at      TEXT,
    created_at      TEXT NOT NULL,
    former_chat_id  INTEGER,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, bot_id, chat_id),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id)
) STRICT;
INSERT INTO contacts_old (workspace_id, id, bot_id, chat_id, chat_kind, display_name, language_code, blocked_at,
                          created_at, former_chat_id)
SELECT workspace_id, id, channel_id, CAST(address AS INTEGER), chat_kind, display_name, language_code, blocked_at,
       created_at, CAST(former_address AS INTEGER)
  FROM contacts;
DROP TABLE contacts;
ALTER TABLE contacts_old RENAME TO contacts;

CREATE TABLE dialogs_old (
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
    summary       TEXT,
    summary_seq   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)
) STRICT;
INSERT INTO dialogs_old (workspace_id, id, assistant_id, bot_id, contact_id, control, epoch, last_seq, heard_seq,
                         answered_seq, created_at, updated_at, summary, summary_seq)
SELECT workspace_id, id, assistant_id, channel_id, contact_id, control, epoch, last_seq, heard_seq,
       answered_seq, created_at, updated_at, summary, summary_seq
  FROM dialogs;
DROP TABLE dialogs;
ALTER TABLE dialogs_old RENAME TO dialogs;

ALTER TABLE messages ADD COLUMN channel_message_id INTEGER;
UPDATE messages SET channel_message_id = CAST(channel_message AS INTEGER) WHERE channel_message IS NOT NULL;
ALTER TABLE messages DROP COLUMN channel_message;

CREATE TABLE outbox_old (
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
    former_chat_id      INTEGER,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, bot_id, chat_id, position),
    FOREIGN KEY (workspace_id, bot_id) REFERENCES bots (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
) STRICT;
-- Only texts were sent before.
INSERT INTO outbox_old (workspace_id, id, bot_id, contact_id, chat_id, chat_kind, dialog_id, message_id, position,
                        part, parts, formatted, plain, status, attempts, uncertain, due_at, claimed_by,
                        channel_message_id, error, created_at, updated_at, former_chat_id)
SELECT workspace_id, id, channel_id, contact_id, CAST(address AS INTEGER), chat_kind, dialog_id, message_id, position,
       part, parts, json_extract(content, '$.markup'), COALESCE(json_extract(content, '$.plain'), ''), status, attempts,
       uncertain, due_at, claimed_by, CAST(channel_message AS INTEGER), error, created_at, updated_at,
       CAST(former_address AS INTEGER)
  FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_old RENAME TO outbox;

DROP TABLE telegram_bots;
DROP TABLE channels;

CREATE UNIQUE INDEX bots_by_telegram_id ON bots (telegram_id) WHERE deleted_at IS NULL AND moved_at IS NULL;
CREATE INDEX bots_running ON bots (status) WHERE deleted_at IS NULL;
CREATE INDEX updates_by_time ON updates (received_at);
CREATE INDEX contacts_by_former_chat ON contacts (workspace_id, bot_id, former_chat_id)
    WHERE former_chat_id IS NOT NULL;
CREATE UNIQUE INDEX dialogs_open ON dialogs (workspace_id, contact_id) WHERE control <> 'closed';
CREATE INDEX outbox_due ON outbox (due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_claimed ON outbox (claimed_by) WHERE status = 'sending';
CREATE INDEX outbox_unfinished ON outbox (workspace_id, bot_id, chat_id, position)
    WHERE status IN ('queued', 'sending', 'uncertain');
CREATE INDEX outbox_by_message ON outbox (workspace_id, message_id, part);
CREATE INDEX outbox_shares ON outbox (workspace_id, due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_sending ON outbox (workspace_id) WHERE status = 'sending';
