-- A lane for jobs that run by the clock: one row for each kind. The words of lanes are those of
-- core::job::Lane; without a CHECK a new one needs no migration.
DROP INDEX jobs_due;
DROP INDEX jobs_shares;
DROP INDEX jobs_running;
ALTER TABLE jobs ADD COLUMN unchecked TEXT NOT NULL DEFAULT 'light';
UPDATE jobs SET unchecked = lane;
ALTER TABLE jobs DROP COLUMN lane;
ALTER TABLE jobs RENAME COLUMN unchecked TO lane;
CREATE INDEX jobs_due ON jobs (lane, due_at) WHERE status = 'queued';
CREATE INDEX jobs_shares ON jobs (lane, share, due_at) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (lane, share) WHERE status = 'running';
CREATE UNIQUE INDEX jobs_scheduled ON jobs (kind) WHERE lane = 'scheduled';
