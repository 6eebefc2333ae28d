-- The words that dialogs are found by: stems of what was said in them and of the names of their contacts. A job writes
-- them that follows the log. `shown` is 0 where only notes for colleagues have the word.
CREATE TABLE dialog_terms (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    term          TEXT NOT NULL,
    shown         BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id, term),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX dialog_terms_by_term ON dialog_terms (workspace_id, term, dialog_id, shown);

-- Dialogs whose words are to be gathered again from all that was said, and how often that was asked for.
CREATE TABLE unindexed_dialogs (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     UUID NOT NULL,
    marks         BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id) ON DELETE CASCADE
);

-- Up to which event a workspace's log has been followed, by which version of the rules. Dialogs after `marking` are
-- still to be marked as unindexed; none, where it is null.
CREATE TABLE dialog_term_logs (
    workspace_id  UUID NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    version       BIGINT NOT NULL,
    seq           BIGINT NOT NULL,
    marking       UUID,
    PRIMARY KEY (workspace_id)
);

-- Whoever edits or deletes words need not know of the index.
CREATE FUNCTION unindex_dialog_of_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unindexed_dialogs (workspace_id, dialog_id, marks)
    SELECT d.workspace_id, d.id, 1
      FROM dialogs d
      JOIN workspaces w ON w.id = d.workspace_id
     WHERE d.workspace_id = OLD.workspace_id AND d.id = OLD.dialog_id
        ON CONFLICT (workspace_id, dialog_id) DO UPDATE SET marks = unindexed_dialogs.marks + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER messages_unindexed_edited AFTER UPDATE OF text ON messages FOR EACH ROW
    WHEN (OLD.text <> NEW.text) EXECUTE FUNCTION unindex_dialog_of_message();
CREATE TRIGGER messages_unindexed_deleted AFTER DELETE ON messages FOR EACH ROW
    EXECUTE FUNCTION unindex_dialog_of_message();

CREATE FUNCTION unindex_dialogs_of_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unindexed_dialogs (workspace_id, dialog_id, marks)
    SELECT d.workspace_id, d.id, 1
      FROM dialogs d
     WHERE d.workspace_id = NEW.workspace_id AND d.contact_id = NEW.id
        ON CONFLICT (workspace_id, dialog_id) DO UPDATE SET marks = unindexed_dialogs.marks + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER contacts_unindexed_renamed AFTER UPDATE OF display_name ON contacts FOR EACH ROW
    WHEN (OLD.display_name <> NEW.display_name) EXECUTE FUNCTION unindex_dialogs_of_contact();
