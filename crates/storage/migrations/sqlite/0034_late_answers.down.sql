ALTER TABLE assistants DROP COLUMN late_answer_minutes;
ALTER TABLE turns DROP COLUMN late;
