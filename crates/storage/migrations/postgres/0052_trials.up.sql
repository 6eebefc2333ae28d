-- A workspace has at most one trial. It outlives its workspace, as the ledger does.
CREATE TABLE ledger_trials (
    workspace_id  UUID NOT NULL PRIMARY KEY,
    answers       BIGINT NOT NULL CHECK (answers >= 0),
    started_at    TIMESTAMPTZ NOT NULL,
    ends_at       TIMESTAMPTZ NOT NULL,
    ended_at      TIMESTAMPTZ
);
CREATE INDEX ledger_trials_by_end ON ledger_trials (ends_at) WHERE ended_at IS NULL;

-- Whose trial it was, as a hash: nobody has a second one. It outlives account and workspace.
CREATE TABLE trial_marks (
    kind          TEXT NOT NULL,
    mark          TEXT NOT NULL,
    workspace_id  UUID NOT NULL,
    marked_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (kind, mark)
);

-- When a customer was told that nobody can answer because the balance is used up.
ALTER TABLE contact_days ADD COLUMN balance_told_at TIMESTAMPTZ;
