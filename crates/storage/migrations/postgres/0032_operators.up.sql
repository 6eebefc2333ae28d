-- Who of those who answer customers is there, how many dialogs they take at once, and how that was before. What an operator said
-- goes with their membership; the history stays, as the names of operators do.
CREATE TABLE operators (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL,
    state         TEXT NOT NULL,
    capacity      JSONB NOT NULL,
    seen_at       TIMESTAMPTZ NOT NULL,
    since         TIMESTAMPTZ NOT NULL,
    assigned_at   TIMESTAMPTZ,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES members (workspace_id, user_id)
);

CREATE TABLE operator_states (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL,
    since         TIMESTAMPTZ NOT NULL,
    state         TEXT NOT NULL,
    PRIMARY KEY (workspace_id, user_id, since)
);
