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
DELETE FROM channels WHERE kind <> 'telegram';

-- Only texts were sent before.
ALTER TABLE outbox ADD COLUMN formatted TEXT;
UPDATE outbox SET formatted = content ->> 'markup' WHERE content ->> 'markup' IS NOT NULL;
ALTER TABLE outbox
    ALTER COLUMN address TYPE BIGINT USING address::bigint,
    ALTER COLUMN former_address TYPE BIGINT USING former_address::bigint,
    ALTER COLUMN channel_message TYPE BIGINT USING channel_message::bigint,
    ALTER COLUMN content TYPE TEXT USING COALESCE(content ->> 'plain', '');
ALTER TABLE outbox RENAME COLUMN content TO plain;
ALTER TABLE outbox RENAME COLUMN channel_message TO channel_message_id;
ALTER TABLE outbox RENAME COLUMN former_address TO former_chat_id;
ALTER TABLE outbox RENAME COLUMN address TO chat_id;
ALTER TABLE outbox RENAME COLUMN channel_id TO bot_id;

ALTER TABLE messages ALTER COLUMN channel_message TYPE BIGINT USING channel_message::bigint;
ALTER TABLE messages RENAME COLUMN channel_message TO channel_message_id;

ALTER TABLE dialogs RENAME COLUMN channel_id TO bot_id;

ALTER INDEX contacts_by_former_address RENAME TO contacts_by_former_chat;
ALTER TABLE contacts
    ALTER COLUMN address TYPE BIGINT USING address::bigint,
    ALTER COLUMN former_address TYPE BIGINT USING former_address::bigint;
ALTER TABLE contacts RENAME COLUMN former_address TO former_chat_id;
ALTER TABLE contacts RENAME COLUMN address TO chat_id;
ALTER TABLE contacts RENAME COLUMN channel_id TO bot_id;

ALTER INDEX deliveries_by_time RENAME TO updates_by_time;
ALTER INDEX deliveries_pkey RENAME TO updates_pkey;
ALTER TABLE deliveries ALTER COLUMN key TYPE BIGINT USING key::bigint;
ALTER TABLE deliveries RENAME COLUMN key TO update_id;
ALTER TABLE deliveries RENAME COLUMN channel_id TO bot_id;
ALTER TABLE deliveries RENAME TO updates;

ALTER TABLE channels
    ADD COLUMN telegram_id BIGINT, ADD COLUMN token_sealed BYTEA, ADD COLUMN hook_path TEXT UNIQUE,
    ADD COLUMN mode TEXT CHECK (mode IN ('auto', 'webhook', 'polling')), ADD COLUMN poll_offset BIGINT,
    ADD COLUMN moved_at TIMESTAMPTZ;
UPDATE channels c
   SET telegram_id = t.telegram_id, token_sealed = t.token_sealed, hook_path = t.hook_path, mode = t.mode,
       poll_offset = t.poll_offset, moved_at = CASE WHEN c.deleted_at IS NULL THEN t.released_at END
  FROM telegram_bots t
 WHERE t.workspace_id = c.workspace_id AND t.channel_id = c.id;
DROP TABLE telegram_bots;
ALTER TABLE channels
    ALTER COLUMN telegram_id SET NOT NULL, ALTER COLUMN token_sealed SET NOT NULL, ALTER COLUMN hook_path SET NOT NULL,
    ALTER COLUMN mode SET NOT NULL, DROP COLUMN kind;
ALTER TABLE channels RENAME COLUMN name TO username;
ALTER INDEX channels_running RENAME TO bots_running;
ALTER INDEX channels_pkey RENAME TO bots_pkey;
ALTER TABLE channels RENAME TO bots;
CREATE UNIQUE INDEX bots_by_telegram_id ON bots (telegram_id) WHERE deleted_at IS NULL AND moved_at IS NULL;
