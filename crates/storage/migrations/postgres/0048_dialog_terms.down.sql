DROP TRIGGER contacts_unindexed_renamed ON contacts;
DROP TRIGGER messages_unindexed_deleted ON messages;
DROP TRIGGER messages_unindexed_edited ON messages;
DROP FUNCTION unindex_dialogs_of_contact();
DROP FUNCTION unindex_dialog_of_message();
DROP TABLE dialog_term_logs;
DROP TABLE unindexed_dialogs;
DROP TABLE dialog_terms;
DELETE FROM jobs WHERE kind = 'index_dialogs';
