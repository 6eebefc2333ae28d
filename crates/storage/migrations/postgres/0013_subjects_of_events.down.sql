-- The words of deleted messages stay deleted.
UPDATE events SET payload = jsonb_set(payload, '{text}', to_jsonb(COALESCE(
       (SELECT messages.text FROM messages
         WHERE messages.workspace_id = events.workspace_id AND messages.id = events.message_id), '')))
 WHERE kind IN ('message.stored', 'reply.settled');

DROP INDEX events_of_dialog;

ALTER TABLE events DROP COLUMN message_id, DROP COLUMN dialog_id, DROP COLUMN kind;
