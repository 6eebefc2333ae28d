-- Checked answers that serve the same question again. The question itself is not kept, only its hash.
CREATE TABLE kept_answers (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  BLOB NOT NULL,
    question      TEXT NOT NULL,
    version       INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    text          TEXT NOT NULL,
    answer        TEXT NOT NULL,
    expires_at    TEXT NOT NULL,
    PRIMARY KEY (workspace_id, assistant_id, question),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
) STRICT;
CREATE INDEX kept_answers_by_end ON kept_answers (expires_at);
