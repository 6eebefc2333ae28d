-- What an event is about, so that the events of a dialog are found by an index. What was said is no longer stored with
-- an event: `message_id` names the message whose words are shown when it is read.
ALTER TABLE events ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN dialog_id BLOB;
ALTER TABLE events ADD COLUMN message_id BLOB;

UPDATE events
   SET kind = payload ->> '$.type',
       dialog_id = unhex(payload ->> '$.dialog_id', '-'),
       message_id = CASE WHEN payload ->> '$.type' IN ('message.stored', 'reply.settled')
                         THEN unhex(payload ->> '$.message_id', '-') END,
       payload = json_remove(payload, '$.text');

CREATE INDEX events_of_dialog ON events (workspace_id, dialog_id, seq) WHERE dialog_id IS NOT NULL;
