ALTER TABLE messages DROP COLUMN quoted;
