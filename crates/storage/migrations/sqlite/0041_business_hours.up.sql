ALTER TABLE assistants ADD COLUMN hours TEXT;
