ALTER TABLE workspaces DROP COLUMN allowed_models;
ALTER TABLE model_keys DROP COLUMN origin;

DROP INDEX model_calls_under_way;
DROP INDEX model_calls_of_installation;
DELETE FROM model_calls calls
 WHERE NOT EXISTS (SELECT 1 FROM assistants a WHERE a.workspace_id = calls.workspace_id AND a.id = calls.assistant_id)
    OR (dialog_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM dialogs d WHERE d.workspace_id = calls.workspace_id AND d.id = calls.dialog_id));
UPDATE model_calls SET purpose = 'embedding' WHERE purpose IN ('search', 'rerank');
ALTER TABLE model_calls DROP CONSTRAINT model_calls_cost_check;
ALTER TABLE model_calls DROP CONSTRAINT model_calls_completion_tokens_check;
ALTER TABLE model_calls DROP CONSTRAINT model_calls_prompt_tokens_check;
ALTER TABLE model_calls DROP CONSTRAINT model_calls_purpose_check;
ALTER TABLE model_calls ADD CONSTRAINT model_calls_purpose_check
    CHECK (purpose IN ('answer', 'regenerate', 'rewrite', 'summary', 'embedding', 'preview', 'evaluation'));
ALTER TABLE model_calls DROP COLUMN process_id;
ALTER TABLE model_calls DROP COLUMN priced;
ALTER TABLE model_calls ALTER COLUMN assistant_id SET NOT NULL;
ALTER TABLE model_calls ADD FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE;
ALTER TABLE model_calls ADD FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id);
ALTER TABLE model_calls ADD FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id);
