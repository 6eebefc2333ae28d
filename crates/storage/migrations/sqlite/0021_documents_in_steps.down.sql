-- Migrations run without foreign keys on SQLite: nothing cascades.
DELETE FROM passage_vectors
 WHERE (workspace_id, passage_id) IN
       (SELECT p.workspace_id, p.id FROM passages p
          JOIN documents d ON d.workspace_id = p.workspace_id AND d.id = p.document_id WHERE d.deleted_at IS NOT NULL);
DELETE FROM passages WHERE (workspace_id, document_id) IN (SELECT workspace_id, id FROM documents WHERE deleted_at IS NOT NULL);
DELETE FROM document_files
 WHERE (workspace_id, document_id) IN (SELECT workspace_id, id FROM documents WHERE deleted_at IS NOT NULL);
DELETE FROM document_replacements
 WHERE (workspace_id, document_id) IN (SELECT workspace_id, id FROM documents WHERE deleted_at IS NOT NULL);
DELETE FROM documents WHERE deleted_at IS NOT NULL;
DROP INDEX documents_deleted;
ALTER TABLE documents DROP COLUMN deleted_at;
