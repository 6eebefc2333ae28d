-- Which installation the database belongs to: one row.
CREATE TABLE installation (
    name        TEXT NOT NULL PRIMARY KEY CHECK (name = 'this'),
    id          UUID NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
