-- Assistants that answer nobody until they are resumed.
CREATE TABLE assistant_pauses (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  UUID NOT NULL,
    since         TIMESTAMPTZ NOT NULL,
    text          TEXT,
    PRIMARY KEY (workspace_id, assistant_id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);
