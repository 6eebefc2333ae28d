DELETE FROM jobs WHERE lane = 'scheduled';
DROP INDEX jobs_scheduled;
ALTER TABLE jobs ADD CONSTRAINT jobs_lane_check
    CHECK (lane IN ('light', 'heavy', 'evaluation', 'crawl'));
