-- Large documents are deleted in steps: from the first on nobody finds them.
ALTER TABLE documents ADD COLUMN deleted_at TEXT;
CREATE INDEX documents_deleted ON documents (workspace_id, id) WHERE deleted_at IS NOT NULL;
