-- The earlier words that a customer's message is about, where they point to some.
ALTER TABLE messages ADD COLUMN quoted JSONB;
