ALTER TABLE telegram_bots DROP COLUMN commands_set;
ALTER TABLE telegram_bots DROP COLUMN commands;
ALTER TABLE dialogs DROP COLUMN fresh_seq;
ALTER TABLE contacts DROP COLUMN language;
ALTER TABLE contacts DROP COLUMN source;
