-- Jobs of one lane share workers; jobs of one share take turns with those of other shares.
DROP INDEX jobs_due;
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'light'
    CHECK (lane IN ('light', 'heavy', 'evaluation', 'crawl'));
ALTER TABLE jobs ADD COLUMN share UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
UPDATE jobs
   SET share = COALESCE(workspace_id, share),
       lane = CASE kind WHEN 'evaluate' THEN 'evaluation' WHEN 'fetch_source' THEN 'crawl'
                        WHEN 'index_document' THEN 'heavy' WHEN 'embed_document' THEN 'heavy'
                        WHEN 'index_neighbours' THEN 'heavy' ELSE 'light' END;
ALTER TABLE jobs DROP COLUMN heavy;
CREATE INDEX jobs_due ON jobs (lane, due_at) WHERE status = 'queued';
CREATE INDEX jobs_shares ON jobs (lane, share, due_at) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (lane, share) WHERE status = 'running';

CREATE INDEX turns_shares ON turns (workspace_id, due_at) WHERE claimed_by IS NULL;
CREATE INDEX turns_running ON turns (workspace_id) WHERE claimed_by IS NOT NULL;

CREATE INDEX outbox_shares ON outbox (workspace_id, due_at) WHERE status IN ('queued', 'uncertain');
CREATE INDEX outbox_sending ON outbox (workspace_id) WHERE status = 'sending';

-- What a customer was answered on a day, and whether they were told that it was enough.
CREATE TABLE contact_days (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    contact_id    UUID NOT NULL,
    day           TEXT NOT NULL,
    answers       BIGINT NOT NULL DEFAULT 0,
    day_told_at   TIMESTAMPTZ,
    rate_told_at  TIMESTAMPTZ,
    PRIMARY KEY (workspace_id, contact_id, day),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)
);

CREATE INDEX contact_days_by_day ON contact_days (day);
