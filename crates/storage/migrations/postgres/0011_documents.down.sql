DROP TABLE upload_days;
DROP TABLE document_replacements;
ALTER TABLE documents DROP COLUMN warnings;
