-- Hosts of their owners' own at which apps answer. heir is 1 for one at which another app
-- answered before.
CREATE TABLE domains (
    host    TEXT PRIMARY KEY,
    app     TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    heir    INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE INDEX domains_of_apps ON domains (app);

-- Hosts that were an app's once, each with the last one: its name, and when it was made.
CREATE TABLE former_domains (
    host TEXT PRIMARY KEY,
    app  TEXT NOT NULL,
    made INTEGER NOT NULL,
    heir INTEGER NOT NULL
) STRICT;
