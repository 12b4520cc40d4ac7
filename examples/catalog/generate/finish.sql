CREATE INDEX books_by_author ON books (author, year);
INSERT INTO search (search) VALUES ('rebuild');
INSERT INTO search (search) VALUES ('optimize');
