-- Who of those who answer customers is there, how many dialogs they take at once, and how that was before. What an operator said
-- goes with their membership; the history stays, as the names of operators do.
CREATE TABLE operators (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       BLOB NOT NULL,
    state         TEXT NOT NULL,
    capacity      TEXT NOT NULL,
    seen_at       TEXT NOT NULL,
    since         TEXT NOT NULL,
    assigned_at   TEXT,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES members (workspace_id, user_id)
) STRICT;

CREATE TABLE operator_states (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       BLOB NOT NULL,
    since         TEXT NOT NULL,
    state         TEXT NOT NULL,
    PRIMARY KEY (workspace_id, user_id, since)
) STRICT;
