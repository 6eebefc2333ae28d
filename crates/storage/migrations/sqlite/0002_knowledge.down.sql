DROP TABLE passages_fts;
DROP TABLE passages;
DROP TABLE document_files;
DROP TABLE documents;
