DROP INDEX messages_by_client;
ALTER TABLE messages DROP COLUMN mentions;
ALTER TABLE messages DROP COLUMN client_id;
