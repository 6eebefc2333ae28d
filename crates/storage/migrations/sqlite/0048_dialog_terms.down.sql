DROP TRIGGER contacts_unindexed_renamed;
DROP TRIGGER messages_unindexed_deleted;
DROP TRIGGER messages_unindexed_edited;
DROP TABLE dialog_term_logs;
DROP TABLE unindexed_dialogs;
DROP TABLE dialog_terms;
DELETE FROM jobs WHERE kind = 'index_dialogs';
