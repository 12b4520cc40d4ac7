-- Scheduled Actions: what is known of each, and what has become of their fires.

-- installed is when the interval, which spec names with its zone, began to count; last is
-- the newest fire that is accounted for; interval is its owner's own, '' for the author's;
-- dropped is when a revision came without it, 0 for one that is there.
CREATE TABLE actions (
    app       TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    micro     TEXT NOT NULL,
    id        TEXT NOT NULL,
    installed INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    spec      TEXT NOT NULL,
    interval  TEXT NOT NULL,
    paused    INTEGER NOT NULL,
    dropped   INTEGER NOT NULL,
    PRIMARY KEY (app, micro, id)
) STRICT, WITHOUT ROWID;

-- A run is an attempt at a fire. It is written down before it begins.
CREATE TABLE runs (
    id      INTEGER PRIMARY KEY,
    app     TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    micro   TEXT NOT NULL,
    action  TEXT NOT NULL,
    manual  INTEGER NOT NULL,
    fire    INTEGER NOT NULL,
    first   INTEGER NOT NULL, -- before fire where the run stands for several
    attempt INTEGER NOT NULL,
    state   TEXT NOT NULL,
    due     INTEGER NOT NULL,
    started INTEGER NOT NULL, -- 0 if it has not, as below
    ended   INTEGER NOT NULL,
    status  INTEGER NOT NULL,
    fuel    INTEGER NOT NULL,
    code    TEXT NOT NULL,
    request TEXT NOT NULL
) STRICT;

CREATE INDEX runs_of_actions ON runs (app, micro, action, id);
CREATE INDEX open_runs ON runs (state) WHERE state IN ('waiting', 'running');

-- Nothing runs twice for the same fire, but for the attempts that its author has asked for.
CREATE UNIQUE INDEX fires ON runs (app, micro, action, fire, attempt) WHERE manual = 0;
