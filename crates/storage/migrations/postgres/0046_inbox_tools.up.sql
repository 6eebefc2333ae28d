-- What operators sort and answer with: tags, snoozes, canned replies, drafts.
CREATE TABLE tags (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE UNIQUE INDEX tags_by_name ON tags (workspace_id, name_key);

CREATE TABLE dialog_tags (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    tag_id        UUID NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id, tag_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id),
    FOREIGN KEY (workspace_id, tag_id) REFERENCES tags (workspace_id, id)
);

CREATE INDEX dialogs_by_tag ON dialog_tags (workspace_id, tag_id, dialog_id);

-- A snooze is in force while its time has not come and the dialog has neither another epoch nor newer words of the customer:
-- nothing that customers write touches this table.
CREATE TABLE snoozes (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    until_at      TIMESTAMPTZ NOT NULL,
    heard_seq     BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);

CREATE TABLE canned_replies (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id            UUID NOT NULL,
    shortcut      TEXT NOT NULL,
    language      TEXT NOT NULL,
    title         TEXT NOT NULL,
    text          TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE UNIQUE INDEX canned_replies_by_shortcut ON canned_replies (workspace_id, shortcut, language);

-- What a member has begun to write in a dialog; it goes with their membership.
CREATE TABLE drafts (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL,
    dialog_id     UUID NOT NULL,
    text          TEXT NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, user_id, dialog_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES members (workspace_id, user_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);

-- When the clocks of promised replies stood still in a dialog because it was snoozed. Kept while a clock runs.
CREATE TABLE sla_pauses (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    from_at       TIMESTAMPTZ NOT NULL,
    to_at         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id, from_at),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
);
