-- The inbox: dialogs that people have or that wait for them, and how far each member has read. No index holds a column that
-- a message changes: PostgreSQL then updates a dialog in place (HOT).
-- A mark outlives its member, as the names of operators do.
CREATE TABLE dialog_reads (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL,
    dialog_id     UUID NOT NULL,
    seq           BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);

CREATE INDEX dialogs_with_people ON dialogs (workspace_id, control, asking_since, id)
    WHERE control IN ('waiting', 'human');
CREATE INDEX dialogs_closed ON dialogs (workspace_id, closed_at) WHERE control = 'closed';
