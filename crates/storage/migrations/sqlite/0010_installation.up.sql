-- Which installation the database belongs to: one row.
CREATE TABLE installation (
    name        TEXT NOT NULL PRIMARY KEY CHECK (name = 'this'),
    id          BLOB NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;
