DROP TABLE outbox;
DROP TABLE turns;
DROP TABLE messages;
DROP TABLE dialogs;
DROP TABLE contacts;
DROP TABLE updates;
DROP TABLE bots;
