-- Checked answers that serve the same question again. The question itself is not kept, only its hash.
CREATE TABLE kept_answers (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    assistant_id  UUID NOT NULL,
    question      TEXT NOT NULL,
    version       BIGINT NOT NULL,
    revision      BIGINT NOT NULL,
    text          TEXT NOT NULL,
    answer        JSONB NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace_id, assistant_id, question),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id)
);
CREATE INDEX kept_answers_by_end ON kept_answers (expires_at);
