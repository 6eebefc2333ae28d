ALTER TABLE workspaces DROP COLUMN allowed_models;
ALTER TABLE model_keys DROP COLUMN origin;

CREATE TABLE model_calls_old (
    workspace_id       BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id                 BLOB NOT NULL,
    assistant_id       BLOB NOT NULL,
    dialog_id          BLOB,
    message_id         BLOB,
    purpose            TEXT NOT NULL CHECK (purpose IN ('answer', 'regenerate', 'rewrite', 'summary', 'embedding', 'preview', 'evaluation')),
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    key_id             BLOB,
    prompt_tokens      INTEGER NOT NULL,
    completion_tokens  INTEGER NOT NULL,
    estimated          INTEGER NOT NULL CHECK (estimated IN (0, 1)),
    cost               INTEGER NOT NULL,
    first_token_ms     INTEGER,
    duration_ms        INTEGER NOT NULL,
    outcome            TEXT NOT NULL,
    day                TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id)
) STRICT;

INSERT INTO model_calls_old (workspace_id, id, assistant_id, dialog_id, message_id, purpose, provider, model, key_id,
                             prompt_tokens, completion_tokens, estimated, cost, first_token_ms, duration_ms, outcome,
                             day, created_at)
SELECT workspace_id, id, assistant_id, dialog_id, message_id,
       CASE WHEN purpose IN ('search', 'rerank') THEN 'embedding' ELSE purpose END, provider, model, key_id,
       prompt_tokens, completion_tokens, estimated, cost, first_token_ms, duration_ms, outcome, day, created_at
  FROM model_calls calls
 WHERE EXISTS (SELECT 1 FROM assistants a WHERE a.workspace_id = calls.workspace_id AND a.id = calls.assistant_id)
   AND (dialog_id IS NULL
        OR EXISTS (SELECT 1 FROM dialogs d WHERE d.workspace_id = calls.workspace_id AND d.id = calls.dialog_id));
DROP TABLE model_calls;
ALTER TABLE model_calls_old RENAME TO model_calls;

CREATE INDEX model_calls_by_day ON model_calls (workspace_id, day, assistant_id);
CREATE INDEX model_calls_by_dialog ON model_calls (workspace_id, dialog_id) WHERE dialog_id IS NOT NULL;
CREATE INDEX model_calls_by_key ON model_calls (key_id, day) WHERE key_id IS NOT NULL;
