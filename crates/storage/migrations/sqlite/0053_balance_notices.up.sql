-- What the owners of a workspace have been told of its balance, until it is no longer so.
CREATE TABLE balance_notices (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    notice        TEXT NOT NULL,
    told_at       TEXT NOT NULL,
    PRIMARY KEY (workspace_id, notice)
) STRICT;
