CREATE TABLE authors (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL,
  country TEXT NOT NULL,
  born    INTEGER NOT NULL,
  died    INTEGER -- NULL of those who live
);
CREATE TABLE books (
  id          INTEGER PRIMARY KEY,
  title       TEXT NOT NULL,
  author      INTEGER NOT NULL REFERENCES authors,
  year        INTEGER NOT NULL,
  language    TEXT NOT NULL,
  subjects    TEXT NOT NULL CHECK (json_valid(subjects)), -- an array, the main one first
  pages       INTEGER NOT NULL,
  shelf       TEXT NOT NULL,
  description TEXT NOT NULL,
  details     TEXT NOT NULL CHECK (json_valid(details))   -- an object, not the same for all
);
CREATE TABLE ratings (
  book  INTEGER NOT NULL REFERENCES books,
  stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
  votes INTEGER NOT NULL,
  PRIMARY KEY (book, stars)
) WITHOUT ROWID;
-- What is searched is not stored twice: the index has its text from this view.
CREATE VIEW texts AS
  SELECT b.id, b.title, a.name AS author, b.subjects, b.description FROM books b JOIN authors a ON a.id = b.author;
CREATE VIRTUAL TABLE search USING fts5 (
  title, author, subjects, description,
  content = 'texts', content_rowid = 'id', prefix = '3', tokenize = 'unicode61 remove_diacritics 2'
);
-- A word of the title says more of a book than one of its description.
INSERT INTO search (search, rank) VALUES ('rank', 'bm25(8.0, 5.0, 3.0, 1.0)');
CREATE TABLE made (generator TEXT NOT NULL, books INTEGER NOT NULL);
