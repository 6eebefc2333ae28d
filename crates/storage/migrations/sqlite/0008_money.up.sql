-- What was paid for stays in the ledger: it does not go with the workspace, assistant or dialog that it was paid for, and
-- a call is written down before it is made.
CREATE TABLE model_calls_new (
    workspace_id       BLOB NOT NULL,
    id                 BLOB NOT NULL,
    assistant_id       BLOB,
    dialog_id          BLOB,
    message_id         BLOB,
    purpose            TEXT NOT NULL CHECK (purpose IN ('answer', 'regenerate', 'rewrite', 'summary', 'embedding', 'search', 'rerank', 'preview', 'evaluation')),
    provider           TEXT NOT NULL,
    model              TEXT NOT NULL,
    key_id             BLOB,
    prompt_tokens      INTEGER NOT NULL CHECK (prompt_tokens BETWEEN 0 AND 1000000000),
    completion_tokens  INTEGER NOT NULL CHECK (completion_tokens BETWEEN 0 AND 1000000000),
    estimated          INTEGER NOT NULL CHECK (estimated IN (0, 1)),
    cost               INTEGER NOT NULL CHECK (cost BETWEEN 0 AND 1000000000000),
    priced             INTEGER NOT NULL DEFAULT 1 CHECK (priced IN (0, 1)),
    first_token_ms     INTEGER,
    duration_ms        INTEGER NOT NULL,
    outcome            TEXT NOT NULL,
    process_id         BLOB,
    day                TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;

-- Figures that no call has are those of a provider that reports nonsense.
INSERT INTO model_calls_new (workspace_id, id, assistant_id, dialog_id, message_id, purpose, provider, model, key_id,
                             prompt_tokens, completion_tokens, estimated, cost, first_token_ms, duration_ms, outcome,
                             day, created_at)
SELECT workspace_id, id, assistant_id, dialog_id, message_id, purpose, provider, model, key_id,
       max(0, min(prompt_tokens, 1000000000)), max(0, min(completion_tokens, 1000000000)), estimated,
       max(0, min(cost, 1000000000000)), first_token_ms, duration_ms, outcome, day, created_at
  FROM model_calls;
DROP TABLE model_calls;
ALTER TABLE model_calls_new RENAME TO model_calls;

CREATE INDEX model_calls_by_day ON model_calls (workspace_id, day, assistant_id);
CREATE INDEX model_calls_by_dialog ON model_calls (workspace_id, dialog_id) WHERE dialog_id IS NOT NULL;
CREATE INDEX model_calls_by_key ON model_calls (key_id, day) WHERE key_id IS NOT NULL;
CREATE INDEX model_calls_of_installation ON model_calls (day);
CREATE INDEX model_calls_under_way ON model_calls (process_id) WHERE process_id IS NOT NULL;

-- A key belongs to the origin for which it was given.
ALTER TABLE model_keys ADD COLUMN origin TEXT;

-- Names of models, separated by commas.
ALTER TABLE workspaces ADD COLUMN allowed_models TEXT;
