-- New pages of a source are tagged.
ALTER TABLE sources ADD COLUMN tags JSONB NOT NULL DEFAULT '[]';
