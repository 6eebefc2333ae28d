-- How long customers waited for a human, and at which place in the queue they began: the expected wait is measured from it.
CREATE TABLE waits (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     BLOB NOT NULL,
    epoch         INTEGER NOT NULL,
    began_at      TEXT NOT NULL,
    place         INTEGER NOT NULL,
    left_by       BLOB,
    ended_at      TEXT,
    outcome       TEXT,
    PRIMARY KEY (workspace_id, dialog_id, epoch),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
) STRICT;

CREATE INDEX waits_taken ON waits (workspace_id, ended_at) WHERE outcome = 'taken';
