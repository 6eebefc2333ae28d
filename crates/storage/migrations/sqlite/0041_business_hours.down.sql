ALTER TABLE assistants DROP COLUMN hours;
