DELETE FROM jobs WHERE lane = 'scheduled';
DROP INDEX jobs_scheduled;
DROP INDEX jobs_due;
DROP INDEX jobs_shares;
DROP INDEX jobs_running;
ALTER TABLE jobs ADD COLUMN checked TEXT NOT NULL DEFAULT 'light'
    CHECK (checked IN ('light', 'heavy', 'evaluation', 'crawl'));
UPDATE jobs SET checked = lane;
ALTER TABLE jobs DROP COLUMN lane;
ALTER TABLE jobs RENAME COLUMN checked TO lane;
CREATE INDEX jobs_due ON jobs (lane, due_at) WHERE status = 'queued';
CREATE INDEX jobs_shares ON jobs (lane, share, due_at) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (lane, share) WHERE status = 'running';
