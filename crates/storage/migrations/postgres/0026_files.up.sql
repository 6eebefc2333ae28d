-- The bytes of large files are kept outside the database. A row that names a file holds no bytes.
ALTER TABLE document_files ADD COLUMN file_id UUID;
ALTER TABLE document_replacements ADD COLUMN file_id UUID;
CREATE INDEX document_files_kept ON document_files (file_id) WHERE file_id IS NOT NULL;
CREATE INDEX document_replacements_kept ON document_replacements (file_id) WHERE file_id IS NOT NULL;
-- How many bytes a workspace keeps is counted without its documents.
CREATE INDEX documents_by_size ON documents (workspace_id, size);
