ALTER TABLE assistants DROP COLUMN unsure;
