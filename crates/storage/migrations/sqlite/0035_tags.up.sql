-- Documents have tags, and an assistant finds only those with one of its own.
ALTER TABLE documents ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE assistants ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
