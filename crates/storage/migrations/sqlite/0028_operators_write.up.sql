-- Operators write replies and notes. A client's own name of a message is unique in its dialog: a repeat stores nothing.
ALTER TABLE messages ADD COLUMN client_id TEXT;
ALTER TABLE messages ADD COLUMN mentions TEXT;
CREATE UNIQUE INDEX messages_by_client ON messages (workspace_id, dialog_id, client_id) WHERE client_id IS NOT NULL;
