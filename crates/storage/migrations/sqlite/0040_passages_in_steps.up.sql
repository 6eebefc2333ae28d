-- A document whose passages do not yet say which assistants know it.
ALTER TABLE documents ADD COLUMN rescope INTEGER NOT NULL DEFAULT 0;
CREATE INDEX documents_to_rescope ON documents (workspace_id, id) WHERE rescope = 1;

-- The hidden document in which the passages of a waiting file gather.
ALTER TABLE document_replacements ADD COLUMN staged_in BLOB;
CREATE INDEX document_replacements_staged ON document_replacements (workspace_id, staged_in) WHERE staged_in IS NOT NULL;
