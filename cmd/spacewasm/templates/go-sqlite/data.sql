-- What data.db is made of, by `go run ./makedata`.
create table books(id integer primary key, title text not null, author text not null, year integer not null);
insert into books(title, author, year) values
  ('Frankenstein', 'Mary Shelley', 1818),
  ('Emma', 'Jane Austen', 1815),
  ('Pride and Prejudice', 'Jane Austen', 1813),
  ('Wuthering Heights', 'Emily Brontë', 1847),
  ('Jane Eyre', 'Charlotte Brontë', 1847),
  ('Moby-Dick', 'Herman Melville', 1851),
  ('Middlemarch', 'George Eliot', 1871),
  ('Twenty Thousand Leagues Under the Seas', 'Jules Verne', 1870),
  ('Around the World in Eighty Days', 'Jules Verne', 1873),
  ('The Time Machine', 'H. G. Wells', 1895),
  ('The War of the Worlds', 'H. G. Wells', 1898),
  ('Dracula', 'Bram Stoker', 1897),
  ('Sultana''s Dream', 'Begum Rokeya', 1905);
create virtual table search using fts5(title, author, content = 'books', content_rowid = 'id');
insert into search(search) values ('rebuild');
insert into search(search) values ('optimize');
