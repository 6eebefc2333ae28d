-- A message that a program posts is looked for among the dialogs of its contact.
CREATE INDEX dialogs_by_contact ON dialogs (workspace_id, contact_id, id);
