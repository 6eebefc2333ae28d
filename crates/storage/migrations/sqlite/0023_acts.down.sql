ALTER TABLE messages DROP COLUMN act;
ALTER TABLE assistants DROP COLUMN texts;
ALTER TABLE assistants DROP COLUMN handoff;
