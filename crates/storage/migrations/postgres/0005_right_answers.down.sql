DROP INDEX jobs_by_workspace;
DROP INDEX jobs_due;
DELETE FROM jobs WHERE kind IN ('embed_document', 'fetch_source', 'evaluate', 'index_neighbours');
CREATE INDEX jobs_due ON jobs (due_at) WHERE status = 'queued';
ALTER TABLE jobs DROP COLUMN heavy;

UPDATE events SET payload = payload || jsonb_build_object('assistant_id', payload -> 'assistants' -> 0)
 WHERE payload ->> 'type' IN ('document.status', 'document.deleted') AND jsonb_array_length(payload -> 'assistants') > 0;
UPDATE events SET payload = jsonb_set(payload, '{status}', '"processing"')
 WHERE payload ->> 'type' = 'document.status' AND payload ->> 'status' IN ('extracting', 'chunking', 'embedding');
DELETE FROM events
 WHERE payload ->> 'type' IN ('source.status', 'source.deleted', 'assistant.published', 'evaluation.status');

ALTER TABLE dialogs DROP COLUMN summary_seq;
ALTER TABLE dialogs DROP COLUMN summary;
DROP TABLE model_calls;
DROP TABLE model_providers;
DROP TABLE model_keys;
DROP TABLE evaluation_runs;
DROP TABLE question_sets;
-- Tables that are made where the database finds nearest vectors.
DO $$
DECLARE name TEXT;
BEGIN
    FOR name IN SELECT conrelid::regclass::text FROM pg_constraint
                 WHERE contype = 'f' AND confrelid = 'passage_vectors'::regclass LOOP
        EXECUTE 'DROP TABLE ' || name;
    END LOOP;
END $$;
DROP TABLE IF EXISTS neighbour_sets;
DROP TABLE passage_vectors;

-- The earlier program reads text, Markdown and PDF, and a document belongs to one assistant.
DELETE FROM documents WHERE kind NOT IN ('text', 'markdown', 'pdf');
DELETE FROM documents WHERE NOT EXISTS (
    SELECT 1 FROM document_assistants AS links
     WHERE links.workspace_id = documents.workspace_id AND links.document_id = documents.id);

ALTER TABLE documents ADD COLUMN assistant_id UUID;
UPDATE documents SET assistant_id = (SELECT MIN(CAST(assistant_id AS TEXT))::uuid FROM document_assistants AS links WHERE links.workspace_id = documents.workspace_id AND links.document_id = documents.id);
ALTER TABLE documents ALTER COLUMN assistant_id SET NOT NULL;
ALTER TABLE documents ADD FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id);
ALTER TABLE documents DROP CONSTRAINT documents_kind_check;
ALTER TABLE documents DROP CONSTRAINT documents_status_check;
UPDATE documents SET status = 'processing' WHERE status IN ('extracting', 'chunking', 'embedding');
ALTER TABLE documents ADD CHECK (kind IN ('text', 'markdown', 'pdf'));
ALTER TABLE documents ADD CHECK (status IN ('queued', 'processing', 'ready', 'failed'));
DROP INDEX documents_by_source;
DROP INDEX documents_by_index;
ALTER TABLE documents DROP COLUMN misses;
ALTER TABLE documents DROP COLUMN last_modified;
ALTER TABLE documents DROP COLUMN etag;
ALTER TABLE documents DROP COLUMN url;
ALTER TABLE documents DROP COLUMN source_id;
ALTER TABLE documents DROP COLUMN index_version;
ALTER TABLE documents DROP COLUMN revision;
ALTER TABLE documents DROP COLUMN embedded_with;
ALTER TABLE documents DROP COLUMN embedded;
ALTER TABLE documents DROP COLUMN stems;
ALTER TABLE documents DROP COLUMN language;
ALTER TABLE documents DROP COLUMN title;
CREATE INDEX documents_by_assistant ON documents (workspace_id, assistant_id, id);

DROP INDEX passages_by_hash;
DROP INDEX passages_full_text;
ALTER TABLE passages DROP COLUMN terms_vector;
ALTER TABLE passages ADD COLUMN assistant_id UUID;
UPDATE passages
   SET assistant_id = documents.assistant_id,
       terms = 'scope' || replace(CAST(documents.assistant_id AS TEXT), '-', '') || ' ' || terms
  FROM documents
 WHERE documents.workspace_id = passages.workspace_id AND documents.id = passages.document_id;
ALTER TABLE passages ALTER COLUMN assistant_id SET NOT NULL;
ALTER TABLE passages ADD FOREIGN KEY (workspace_id, assistant_id) REFERENCES assistants (workspace_id, id);
ALTER TABLE passages DROP COLUMN scopes;
ALTER TABLE passages DROP COLUMN hash;
ALTER TABLE passages ADD COLUMN terms_vector tsvector
    GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(terms, ' '), ''))) STORED;
CREATE INDEX passages_full_text ON passages USING gin (terms_vector);
CREATE INDEX passages_by_assistant ON passages (workspace_id, assistant_id, length);

DROP TABLE document_assistants;
DROP TABLE sources;
DROP TABLE assistant_versions;
ALTER TABLE assistants DROP COLUMN gate;
ALTER TABLE assistants DROP COLUMN knowledge_revision;
ALTER TABLE assistants DROP COLUMN published;
ALTER TABLE assistants DROP COLUMN handoff_text;
ALTER TABLE assistants DROP COLUMN unverified;
ALTER TABLE assistants DROP COLUMN check_answers;
ALTER TABLE assistants DROP COLUMN time_zone;
ALTER TABLE assistants DROP COLUMN fallback_models;
