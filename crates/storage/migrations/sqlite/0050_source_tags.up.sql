-- New pages of a source are tagged.
ALTER TABLE sources ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
