DROP TABLE events;
DROP TABLE event_heads;
DROP TABLE jobs;
DROP TABLE assistants;
DROP TABLE members;
DROP TABLE workspaces;
DROP TABLE users;
DROP TABLE processes;
