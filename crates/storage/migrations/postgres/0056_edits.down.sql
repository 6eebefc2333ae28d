ALTER TABLE dialogs DROP COLUMN edits;
ALTER TABLE messages DROP COLUMN revisions;
