-- What an event is about, so that the events of a dialog are found by an index. What was said is no longer stored with
-- an event: `message_id` names the message whose words are shown when it is read.
ALTER TABLE events
    ADD COLUMN kind TEXT NOT NULL DEFAULT '',
    ADD COLUMN dialog_id UUID,
    ADD COLUMN message_id UUID;

UPDATE events
   SET kind = payload ->> 'type',
       dialog_id = (payload ->> 'dialog_id')::uuid,
       message_id = CASE WHEN payload ->> 'type' IN ('message.stored', 'reply.settled')
                         THEN (payload ->> 'message_id')::uuid END,
       payload = payload - 'text';

CREATE INDEX events_of_dialog ON events (workspace_id, dialog_id, seq) WHERE dialog_id IS NOT NULL;
