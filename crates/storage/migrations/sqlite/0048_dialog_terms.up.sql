-- The words that dialogs are found by: stems of what was said in them and of the names of their contacts. A job writes
-- them that follows the log. `shown` is 0 where only notes for colleagues have the word.
CREATE TABLE dialog_terms (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     BLOB NOT NULL,
    term          TEXT NOT NULL,
    shown         INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id, term),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX dialog_terms_by_term ON dialog_terms (workspace_id, term, dialog_id, shown);

-- Dialogs whose words are to be gathered again from all that was said, and how often that was asked for.
CREATE TABLE unindexed_dialogs (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    dialog_id     BLOB NOT NULL,
    marks         INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, dialog_id),
    FOREIGN KEY (workspace_id, dialog_id) REFERENCES dialogs (workspace_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Up to which event a workspace's log has been followed, by which version of the rules. Dialogs after `marking` are
-- still to be marked as unindexed; none, where it is null.
CREATE TABLE dialog_term_logs (
    workspace_id  BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    marking       BLOB,
    PRIMARY KEY (workspace_id)
) STRICT;

-- Whoever edits or deletes words need not know of the index.
CREATE TRIGGER messages_unindexed_edited AFTER UPDATE OF text ON messages WHEN old.text <> new.text BEGIN
    INSERT INTO unindexed_dialogs (workspace_id, dialog_id, marks)
    SELECT d.workspace_id, d.id, 1
      FROM dialogs d
     WHERE d.workspace_id = old.workspace_id AND d.id = old.dialog_id
        ON CONFLICT (workspace_id, dialog_id) DO UPDATE SET marks = unindexed_dialogs.marks + 1;
END;

CREATE TRIGGER messages_unindexed_deleted AFTER DELETE ON messages BEGIN
    INSERT INTO unindexed_dialogs (workspace_id, dialog_id, marks)
    SELECT d.workspace_id, d.id, 1
      FROM dialogs d
      JOIN workspaces w ON w.id = d.workspace_id
     WHERE d.workspace_id = old.workspace_id AND d.id = old.dialog_id
        ON CONFLICT (workspace_id, dialog_id) DO UPDATE SET marks = unindexed_dialogs.marks + 1;
END;

CREATE TRIGGER contacts_unindexed_renamed AFTER UPDATE OF display_name ON contacts
    WHEN old.display_name <> new.display_name BEGIN
    INSERT INTO unindexed_dialogs (workspace_id, dialog_id, marks)
    SELECT d.workspace_id, d.id, 1
      FROM dialogs d
     WHERE d.workspace_id = new.workspace_id AND d.contact_id = new.id
        ON CONFLICT (workspace_id, dialog_id) DO UPDATE SET marks = unindexed_dialogs.marks + 1;
END;
