-- How long customers waited for a human, and at which place in the queue they began: the expected wait is measured from it.
CREATE TABLE waits (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    epoch         BIGINT NOT NULL,
    began_at      TIMESTAMPTZ NOT NULL,
    place         BIGINT NOT NULL,
    left_by       UUID,
    ended_at      TIMESTAMPTZ,
    outcome       TEXT,
    PRIMARY KEY (workspace_id, dialog_id, epoch),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);

CREATE INDEX waits_taken ON waits (workspace_id, ended_at) WHERE outcome = 'taken';
