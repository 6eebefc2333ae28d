-- The vectors of what stands in a passage: runs of sentences, list items, table rows. NULL: not made yet.
ALTER TABLE passage_vectors ADD COLUMN runs BYTEA;
