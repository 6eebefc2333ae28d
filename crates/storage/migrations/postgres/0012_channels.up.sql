-- A channel is a way in which customers and an assistant write to each other; a Telegram bot is one kind. Channels keep
-- the ids that their bots had. `kind` has no CHECK, so that a new kind changes no table.
-- Lost on the way back: channels WHERE kind <> 'telegram'
CREATE TABLE telegram_bots (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    channel_id    UUID NOT NULL,
    telegram_id   BIGINT NOT NULL,
    token_sealed  BYTEA NOT NULL,
    hook_path     TEXT NOT NULL UNIQUE,
    mode          TEXT NOT NULL CHECK (mode IN ('auto', 'webhook', 'polling')),
    poll_offset   BIGINT,
    -- A row whose bot was deleted or connected elsewhere is released: another row may hold the bot.
    released_at   TIMESTAMPTZ,
    PRIMARY KEY (workspace_id, channel_id)
);
INSERT INTO telegram_bots (workspace_id, channel_id, telegram_id, token_sealed, hook_path, mode, poll_offset, released_at)
SELECT workspace_id, id, telegram_id, token_sealed, hook_path, mode, poll_offset, COALESCE(moved_at, deleted_at) FROM bots;

ALTER TABLE bots RENAME TO channels;
ALTER TABLE channels ADD COLUMN kind TEXT NOT NULL DEFAULT 'telegram';
ALTER TABLE channels ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE channels RENAME COLUMN username TO name;
-- The indexes of these columns go with them.
ALTER TABLE channels
    DROP COLUMN telegram_id, DROP COLUMN token_sealed, DROP COLUMN hook_path, DROP COLUMN mode, DROP COLUMN poll_offset,
    DROP COLUMN moved_at;
ALTER INDEX bots_pkey RENAME TO channels_pkey;
ALTER INDEX bots_running RENAME TO channels_running;
ALTER TABLE telegram_bots ADD FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id);
CREATE UNIQUE INDEX telegram_bots_held ON telegram_bots (telegram_id) WHERE released_at IS NULL;

ALTER TABLE updates RENAME TO deliveries;
ALTER TABLE deliveries RENAME COLUMN bot_id TO channel_id;
ALTER TABLE deliveries RENAME COLUMN update_id TO key;
ALTER TABLE deliveries ALTER COLUMN key TYPE TEXT USING key::text;
ALTER INDEX updates_pkey RENAME TO deliveries_pkey;
ALTER INDEX updates_by_time RENAME TO deliveries_by_time;

ALTER TABLE contacts RENAME COLUMN bot_id TO channel_id;
ALTER TABLE contacts RENAME COLUMN chat_id TO address;
ALTER TABLE contacts RENAME COLUMN former_chat_id TO former_address;
ALTER TABLE contacts
    ALTER COLUMN address TYPE TEXT USING address::text,
    ALTER COLUMN former_address TYPE TEXT USING former_address::text;
ALTER INDEX contacts_by_former_chat RENAME TO contacts_by_former_address;

ALTER TABLE dialogs RENAME COLUMN bot_id TO channel_id;

ALTER TABLE messages RENAME COLUMN channel_message_id TO channel_message;
ALTER TABLE messages ALTER COLUMN channel_message TYPE TEXT USING channel_message::text;

ALTER TABLE outbox RENAME COLUMN bot_id TO channel_id;
ALTER TABLE outbox RENAME COLUMN chat_id TO address;
ALTER TABLE outbox RENAME COLUMN former_chat_id TO former_address;
ALTER TABLE outbox RENAME COLUMN channel_message_id TO channel_message;
ALTER TABLE outbox RENAME COLUMN plain TO content;
ALTER TABLE outbox
    ALTER COLUMN address TYPE TEXT USING address::text,
    ALTER COLUMN former_address TYPE TEXT USING former_address::text,
    ALTER COLUMN channel_message TYPE TEXT USING channel_message::text,
    ALTER COLUMN content TYPE JSONB
        USING jsonb_strip_nulls(jsonb_build_object('kind', 'text', 'plain', content, 'markup', formatted));
ALTER TABLE outbox DROP COLUMN formatted;
