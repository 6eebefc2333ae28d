-- The words of deleted messages stay deleted.
UPDATE events SET payload = json_set(payload, '$.text', COALESCE(
       (SELECT messages.text FROM messages
         WHERE messages.workspace_id = events.workspace_id AND messages.id = events.message_id), ''))
 WHERE kind IN ('message.stored', 'reply.settled');

DROP INDEX events_of_dialog;

ALTER TABLE events DROP COLUMN message_id;
ALTER TABLE events DROP COLUMN dialog_id;
ALTER TABLE events DROP COLUMN kind;
