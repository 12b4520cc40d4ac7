-- The hosts at which the platform answers, or did, and apps one label below: current is 1
-- for those of now.
CREATE TABLE platforms (
    host    TEXT PRIMARY KEY,
    current INTEGER NOT NULL
) STRICT;

-- shadowed is since when an app's domain is a host of the platform's own, and does not count;
-- 0 while it does.
ALTER TABLE domains ADD COLUMN shadowed INTEGER NOT NULL DEFAULT 0;

-- ended is until when the app answered there.
ALTER TABLE former_domains ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
UPDATE former_domains SET ended = unixepoch() * 1000;
CREATE INDEX former_domains_by_end ON former_domains (ended);
