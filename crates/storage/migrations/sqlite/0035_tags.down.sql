ALTER TABLE assistants DROP COLUMN tags;
ALTER TABLE documents DROP COLUMN tags;
