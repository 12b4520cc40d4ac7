-- The newest fire of an action that its history had and has dropped: nothing up to it runs any more.
ALTER TABLE actions ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
