-- What was measured of how Micros begin. The document is JSON, for who wrote it.
CREATE TABLE measurements (
    id       INTEGER PRIMARY KEY,
    app      TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    micro    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    path     TEXT NOT NULL,
    document BLOB NOT NULL
) STRICT;

CREATE INDEX measurements_of_micros ON measurements (app, micro, id);
