-- What a step on many dialogs changed of each, while it can be undone.
CREATE TABLE bulk_items (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bulk_id       UUID NOT NULL,
    dialog_id     UUID NOT NULL,
    actor_id      UUID NOT NULL,
    undo          TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, bulk_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);

CREATE INDEX bulk_items_old ON bulk_items (created_at);

-- The views that a member has made of the inbox; they go with their membership.
CREATE TABLE inbox_views (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL,
    views         TEXT NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES members (workspace_id, user_id)
);
