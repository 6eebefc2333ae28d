-- What a customer's message said before it was edited, and how often what was not answered yet was.
ALTER TABLE messages ADD COLUMN revisions TEXT;
ALTER TABLE dialogs ADD COLUMN edits INTEGER NOT NULL DEFAULT 0;
