-- What of the inbox somebody is written mail about.
ALTER TABLE users ADD COLUMN notify_request INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN notify_sla INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN notify_mention INTEGER NOT NULL DEFAULT 1;

-- Up to which event the log of a workspace was read for the mail to its members. What is there already is not told.
CREATE TABLE mail_cursors (
    workspace_id  BLOB PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    seq           INTEGER NOT NULL
) STRICT;
INSERT INTO mail_cursors (workspace_id, seq) SELECT workspace_id, seq FROM event_heads;

-- Dialogs of which a member is to know something, and since when they do.
CREATE TABLE member_mail_items (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       BLOB NOT NULL,
    dialog_id     BLOB NOT NULL,
    notice        TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    noted_at      TEXT NOT NULL,
    told_at       TEXT,
    PRIMARY KEY (workspace_id, user_id, dialog_id, notice),
    FOREIGN KEY (workspace_id, user_id) REFERENCES members (workspace_id, user_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
) STRICT;
CREATE INDEX member_mail_items_new ON member_mail_items (noted_at) WHERE told_at IS NULL;

-- When a member was last written to.
CREATE TABLE member_mails (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id       BLOB NOT NULL,
    sent_at       TEXT NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES members (workspace_id, user_id)
) STRICT;
CREATE INDEX member_mails_of_user ON member_mails (user_id, sent_at);
