DROP INDEX waits_noticed;
DROP INDEX waits_unplanned;
ALTER TABLE waits DROP COLUMN notice_at;
ALTER TABLE waits DROP COLUMN notice;
