-- What was paid for stays in the ledger: it does not go with the workspace, assistant or dialog that it was paid for, and
-- a call is written down before it is made.
ALTER TABLE model_calls DROP CONSTRAINT model_calls_workspace_id_fkey;
ALTER TABLE model_calls DROP CONSTRAINT model_calls_workspace_id_assistant_id_fkey;
ALTER TABLE model_calls DROP CONSTRAINT model_calls_workspace_id_dialog_id_fkey;
ALTER TABLE model_calls ALTER COLUMN assistant_id DROP NOT NULL;
ALTER TABLE model_calls ADD COLUMN priced BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE model_calls ADD COLUMN process_id UUID;
ALTER TABLE model_calls DROP CONSTRAINT model_calls_purpose_check;
ALTER TABLE model_calls ADD CONSTRAINT model_calls_purpose_check
    CHECK (purpose IN ('answer', 'regenerate', 'rewrite', 'summary', 'embedding', 'search', 'rerank', 'preview', 'evaluation'));

-- Figures that no call has are those of a provider that reports nonsense.
UPDATE model_calls
   SET prompt_tokens = GREATEST(0, LEAST(prompt_tokens, 1000000000)),
       completion_tokens = GREATEST(0, LEAST(completion_tokens, 1000000000)),
       cost = GREATEST(0, LEAST(cost, 1000000000000))
 WHERE prompt_tokens NOT BETWEEN 0 AND 1000000000 OR completion_tokens NOT BETWEEN 0 AND 1000000000
    OR cost NOT BETWEEN 0 AND 1000000000000;
ALTER TABLE model_calls ADD CHECK (prompt_tokens BETWEEN 0 AND 1000000000);
ALTER TABLE model_calls ADD CHECK (completion_tokens BETWEEN 0 AND 1000000000);
ALTER TABLE model_calls ADD CHECK (cost BETWEEN 0 AND 1000000000000);

CREATE INDEX model_calls_of_installation ON model_calls (day);
CREATE INDEX model_calls_under_way ON model_calls (process_id) WHERE process_id IS NOT NULL;

-- A key belongs to the origin for which it was given.
ALTER TABLE model_keys ADD COLUMN origin TEXT;

-- Names of models, separated by commas.
ALTER TABLE workspaces ADD COLUMN allowed_models TEXT;
