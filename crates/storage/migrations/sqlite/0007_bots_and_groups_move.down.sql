ALTER TABLE outbox DROP COLUMN former_chat_id;
DROP INDEX contacts_by_former_chat;
ALTER TABLE contacts DROP COLUMN former_chat_id;

DROP INDEX bots_by_telegram_id;
-- Without the column only one row of a bot can stay: the one that holds its token.
UPDATE bots SET deleted_at = moved_at WHERE moved_at IS NOT NULL AND deleted_at IS NULL;
ALTER TABLE bots DROP COLUMN moved_at;
CREATE UNIQUE INDEX bots_by_telegram_id ON bots (telegram_id) WHERE deleted_at IS NULL;
