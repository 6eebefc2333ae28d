DROP INDEX documents_by_size;
DROP INDEX document_replacements_kept;
DROP INDEX document_files_kept;
ALTER TABLE document_replacements DROP COLUMN file_id;
ALTER TABLE document_files DROP COLUMN file_id;
