DROP INDEX dialogs_by_contact;
