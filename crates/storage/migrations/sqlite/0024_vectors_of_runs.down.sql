ALTER TABLE passage_vectors DROP COLUMN runs;
