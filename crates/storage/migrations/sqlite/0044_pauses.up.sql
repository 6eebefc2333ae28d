-- Assistants that answer nobody until they are resumed.
CREATE TABLE assistant_pauses (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  BLOB NOT NULL,
    since         TEXT NOT NULL,
    text          TEXT,
    PRIMARY KEY (workspace_id, assistant_id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;
