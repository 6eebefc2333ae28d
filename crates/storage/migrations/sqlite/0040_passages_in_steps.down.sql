UPDATE passages
   SET scopes = COALESCE((SELECT GROUP_CONCAT('@' || LOWER(HEX(links.assistant_id)), ' ')
                            FROM document_assistants AS links
                           WHERE links.workspace_id = passages.workspace_id
                             AND links.document_id = passages.document_id), '')
 WHERE (workspace_id, document_id) IN (SELECT workspace_id, id FROM documents WHERE rescope = 1);

DROP INDEX document_replacements_staged;
ALTER TABLE document_replacements DROP COLUMN staged_in;
DROP INDEX documents_to_rescope;
ALTER TABLE documents DROP COLUMN rescope;
