ALTER TABLE assistants ADD COLUMN unsure TEXT NOT NULL DEFAULT 'decline';
