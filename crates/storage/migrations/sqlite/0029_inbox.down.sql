DROP INDEX dialogs_closed;
DROP INDEX dialogs_with_people;
DROP TABLE dialog_reads;
