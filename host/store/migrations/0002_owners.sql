-- What an app's owner sets beside its revisions, and who may come in.

-- settings counts the changes of an app's variables; heir is 1 for an app whose name
-- was another's before; used is when it was last asked for, as far as it is known.
ALTER TABLE apps ADD COLUMN settings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN heir     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN used     INTEGER NOT NULL DEFAULT 0;

-- author is the name of the token that a revision was pushed with.
ALTER TABLE revisions ADD COLUMN author TEXT NOT NULL DEFAULT '';

-- Names that were an app's once.
CREATE TABLE former_apps (
    name    TEXT PRIMARY KEY,
    removed INTEGER NOT NULL
) STRICT;

-- Variables; micro is '' for all Micros of the app. The value is sealed.
CREATE TABLE variables (
    app     TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    micro   TEXT NOT NULL,
    name    TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (app, micro, name)
) STRICT;

-- The keys with which programs come in to an app, by their SHA-256.
CREATE TABLE app_keys (
    app     TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    PRIMARY KEY (app, name)
) STRICT;

-- The tokens of owners beside the one in the file, by their SHA-256. app is '' for an
-- admin's, else the one app that the token may deploy.
CREATE TABLE tokens (
    name    TEXT PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    app     TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
