-- A lane for jobs that run by the clock: one row for each kind. The words of lanes are those of
-- core::job::Lane; without a CHECK a new one needs no migration.
ALTER TABLE jobs DROP CONSTRAINT jobs_lane_check;
CREATE UNIQUE INDEX jobs_scheduled ON jobs (kind) WHERE lane = 'scheduled';
