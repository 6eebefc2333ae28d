-- What the owners of a workspace have been told of its balance, until it is no longer so.
CREATE TABLE balance_notices (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    notice        TEXT NOT NULL,
    told_at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, notice)
);
