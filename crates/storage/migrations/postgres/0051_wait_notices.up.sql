-- When a customer who waits for a human is told that the wait goes on. Those who wait already are not.
ALTER TABLE waits ADD COLUMN notice TEXT NOT NULL DEFAULT 'unplanned';
ALTER TABLE waits ADD COLUMN notice_at TIMESTAMPTZ;
UPDATE waits SET notice = 'none';

CREATE INDEX waits_unplanned ON waits (began_at) WHERE ended_at IS NULL AND notice = 'unplanned';
CREATE INDEX waits_noticed ON waits (notice_at) WHERE ended_at IS NULL AND notice = 'planned';
