-- Where a customer came from, the language they chose, since when the assistant begins anew, and the
-- commands of a bot with what of them Telegram was told.
ALTER TABLE contacts ADD COLUMN source TEXT;
ALTER TABLE contacts ADD COLUMN language TEXT;
ALTER TABLE dialogs ADD COLUMN fresh_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE telegram_bots ADD COLUMN commands TEXT NOT NULL DEFAULT '[]';
ALTER TABLE telegram_bots ADD COLUMN commands_set TEXT;
