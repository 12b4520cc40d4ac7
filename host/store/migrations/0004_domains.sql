-- Hosts of their owners' own at which apps answer. heir is 1 for one at which another app
-- answered before; shadowed is since when it is a host of the platform's own, and does not
-- count, 0 while it does.
CREATE TABLE domains (
    host     TEXT PRIMARY KEY,
    app      TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    heir     INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    shadowed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX domains_of_apps ON domains (app);

-- Hosts that were an app's once, each with the last one: its name, when it was made, and until
-- when it answered there.
CREATE TABLE former_domains (
    host  TEXT PRIMARY KEY,
    app   TEXT NOT NULL,
    made  INTEGER NOT NULL,
    heir  INTEGER NOT NULL,
    ended INTEGER NOT NULL
) STRICT;

CREATE INDEX former_domains_by_end ON former_domains (ended);

-- The hosts at which the platform answers, or did, and apps one label below: current is 1
-- for those of now.
CREATE TABLE platforms (
    host    TEXT PRIMARY KEY,
    current INTEGER NOT NULL
) STRICT;
