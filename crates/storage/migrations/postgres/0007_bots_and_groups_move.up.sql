-- A bot whose token was replaced at Telegram may be connected anew, here or in another workspace. The row that held it
-- stays for its dialogs, and no longer stands in the way.
ALTER TABLE bots ADD COLUMN moved_at TIMESTAMPTZ;
DROP INDEX bots_by_telegram_id;
CREATE UNIQUE INDEX bots_by_telegram_id ON bots (telegram_id) WHERE deleted_at IS NULL AND moved_at IS NULL;

-- A group that becomes a supergroup gets another number.
ALTER TABLE contacts ADD COLUMN former_chat_id BIGINT;
CREATE INDEX contacts_by_former_chat ON contacts (workspace_id, bot_id, former_chat_id)
    WHERE former_chat_id IS NOT NULL;
ALTER TABLE outbox ADD COLUMN former_chat_id BIGINT;
