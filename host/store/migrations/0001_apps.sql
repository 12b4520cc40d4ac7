-- An app, and the revision of it that answers.
CREATE TABLE apps (
    name     TEXT PRIMARY KEY,
    data_key TEXT NOT NULL,
    api_key  TEXT NOT NULL,
    created  INTEGER NOT NULL, -- milliseconds since 1970, UTC, as all times here
    active   INTEGER NOT NULL
) STRICT;

-- A revision is immutable; its Micros are one JSON document.
CREATE TABLE revisions (
    app     TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    created INTEGER NOT NULL,
    micros  TEXT NOT NULL,
    PRIMARY KEY (app, number)
) STRICT;
