-- How large the database was at the end of each day, so that its growth is known. It is measured again and again in a day.
CREATE TABLE database_sizes (
    day          TEXT NOT NULL PRIMARY KEY,
    measured_at  TEXT NOT NULL,
    bytes        INTEGER NOT NULL,
    tables       TEXT NOT NULL
) STRICT;
