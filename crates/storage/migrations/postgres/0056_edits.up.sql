-- What a customer's message said before it was edited, and how often what was not answered yet was.
ALTER TABLE messages ADD COLUMN revisions JSONB;
ALTER TABLE dialogs ADD COLUMN edits BIGINT NOT NULL DEFAULT 0;
