ALTER TABLE passage_vectors DROP COLUMN runs;
-- So that they are made again after the way back up.
UPDATE documents SET index_version = 0;
