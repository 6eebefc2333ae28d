DELETE FROM documents WHERE deleted_at IS NOT NULL;
DROP INDEX documents_deleted;
ALTER TABLE documents DROP COLUMN deleted_at;
