DROP TABLE contact_days;

DROP INDEX outbox_sending;
DROP INDEX outbox_shares;
DROP INDEX turns_running;
DROP INDEX turns_shares;

DROP INDEX jobs_running;
DROP INDEX jobs_shares;
DROP INDEX jobs_due;
ALTER TABLE jobs ADD COLUMN heavy INTEGER NOT NULL DEFAULT 0 CHECK (heavy IN (0, 1));
UPDATE jobs SET heavy = 1 WHERE lane <> 'light';
ALTER TABLE jobs DROP COLUMN share;
ALTER TABLE jobs DROP COLUMN lane;
CREATE INDEX jobs_due ON jobs (heavy, due_at) WHERE status = 'queued';
