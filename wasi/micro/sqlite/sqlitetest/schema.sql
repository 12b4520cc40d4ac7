-- The database of queries.sql: something of all that SQLite stores.
pragma page_size = 4096;
create table artists(id integer primary key, name text not null, born date, country varchar(2) collate nocase);
insert into artists values
  (1, 'Ada', '1815-12-10', 'uk'), (2, 'Grace', '1906-12-09', 'US'), (3, 'Alan', '1912-06-23', 'UK'),
  (4, 'Ámbar', null, 'es'), (5, 'ada', '1990-02-30', null), (6, '李', 'unknown', 'CN'), (7, 'O''Brien "x"', '2001-01-01', 'IE');

create table albums(id integer primary key, artist integer references artists(id), title text, price real, released datetime, sold integer default 0);
insert into albums values
  (1, 1, 'Engine', 9.99, '2020-01-02 03:04:05', 100), (2, 1, 'Notes', 12.5, '2020-01-02T03:04:05Z', 20),
  (3, 2, 'Compiler', 0.1, '2021-06-30 23:59:59.123456', 5), (4, 3, 'Enigma', 1e300, '2019-07-14 10:00', null),
  (5, 3, 'Tape', -0.0, '2022-02-02 02:02:02+02:00', 7), (6, null, 'Nobody', null, null, 0), (7, 2, '100% _wild_', 3, 1600000000, 42);

create table kinds(
  id integer primary key, i integer, r real, t text, b blob, n numeric, x, yes boolean, d date, ts timestamp,
  tm time, dec decimal(10, 2), big bigint, vc varchar(10), u unsigned big int);
insert into kinds values
  (1, 1, 1.5, 'text', x'00ff00', 12, 'any', true, '2024-02-29', '2024-02-29 12:34:56', '12:34', 10.25, 9223372036854775807, 'short', 5),
  (2, -1, -1.5, '', x'', '12.5', x'61', false, '2024-02-29T00:00', '2024-02-29 12:34:56.789-05:00', '12:34:56', 'abc', -9223372036854775808, '', 0),
  (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (4, 'no integer', 'no real', 5, 6, 'x', 7, 'maybe', 19000, 1700000000, 8, 9, 1e3, 10, -1),
  (5, 9007199254740993, 3, 'ünï€𝄞', cast('ünï' as blob), 1e20, 1.0, 2, 2459000.5, '2024-02-29 12:34:56 +0100 CET m=+1.5', null, 0.1, 0, 'longer than that is', 1),
  (6, 127, 1e-320, char(97, 0, 98), zeroblob(16), 0x10, -0.0, 1, '0000-01-01', '9999-12-31 23:59:59.999999999', '', 1.0, 255, x'c3', 2),
  (7, 256, 9e999, 'line' || char(10) || 'tab' || char(9), x'deadbeef', '0012', '5', 0, ' 2024-02-29', '2024-02-29 25:00', '', '1e2', 3, 'é', 3);

create table longs(id integer primary key, t text, b blob);
insert into longs select 1, replace(hex(zeroblob(30000)), '00', 'long '), zeroblob(40000);
insert into longs select 2, replace(hex(zeroblob(200000)), '00', 'é'), replace(hex(zeroblob(100000)), '00', x'0102');
insert into longs select 3, 'short', x'01';
with recursive c(i) as (select 1 union all select i + 1 from c where i < 200)
insert into longs select 10 + i, replace(hex(zeroblob(i * 10)), '0', 'x'), zeroblob(i * 7) from c;

create table words(word text primary key, n integer not null) without rowid;
with recursive c(i) as (select 1 union all select i + 1 from c where i < 1000)
insert into words select 'word' || printf('%04d', (i * 7919) % 1000), i from c;

create table exact(i int, r real, t text, b blob, a any) strict;
insert into exact values (1, 2, '3', x'04', 5), (null, null, null, null, 'six'), (7, 8.5, 'nine', x'', 0.5), (-1, -0.5, '', x'00', x'00');

create table made(a integer, b integer, total integer as (a + b) stored, text as ('sum ' || (a + b)));
insert into made(a, b) values (1, 2), (3, 4), (-5, 5), (null, 1);

create table tree(id integer primary key, parent integer, name text);
insert into tree values (1, null, 'root'), (2, 1, 'usr'), (3, 1, 'etc'), (4, 2, 'bin'), (5, 2, 'lib'), (6, 5, 'go'), (7, 3, 'hosts');

create table docs(id integer primary key, body json);
insert into docs values
  (1, '{"a": 1, "b": [1, 2.5, "three", null, true], "c": {"d": "é", "e": {}}}'), (2, '[1, [2, [3]]]'), (3, '"text"'),
  (4, '{"a": 9223372036854775807, "b": []}'), (5, null), (6, '{"a": "x", "quote\"d": "1"}');

create table sales(day date, shop text, amount integer);
insert into sales values
  ('2024-01-01', 'north', 10), ('2024-01-02', 'north', 20), ('2024-01-03', 'north', 15), ('2024-01-01', 'south', 7),
  ('2024-01-02', 'south', null), ('2024-01-03', 'south', 9), ('2024-01-04', 'south', 9), ('2024-01-02', 'west', 0);
create index sales_shop on sales(shop, day);
create index albums_price on albums(price) where price is not null;
create index artists_lower on artists(lower(name));

create view catalogue as select a.name, b.title, b.price, b.released from artists a join albums b on b.artist = a.id;
create view empty(none, something) as select 1, 'x' where 0;

create virtual table pages using fts5(title, body, tokenize = "unicode61 remove_diacritics 2");
insert into pages values
  ('Sandbox', 'A sandbox runs a program that nobody trusts, and nothing leaves the sandbox.'),
  ('Snapshot', 'A snapshot holds the memory of a program when it has begun.'),
  ('Café', 'The café serves programs and coffee to the naïve user.'),
  ('Empty', ''), ('Quoted', 'It says "hello world" and it''s over; hello again, wide world.');
create virtual table code using fts5(text, tokenize = 'trigram');
insert into code values ('func main() {}'), ('select * from main'), ('MAINTAIN');
create virtual table porters using fts5(text, tokenize = 'porter', prefix = '2 3');
insert into porters values ('running runs runner'), ('he ran'), ('connections connected');

create virtual table boxes using rtree(id, x0, x1, y0, y1, +label text);
insert into boxes values (1, 0, 10, 0, 10, 'a'), (2, 5, 15, 5, 15, 'b'), (3, 20, 30, 20, 30, 'c'), (4, -5.5, -1.25, 0.1, 0.2, 'd');

create table "odd ""name"""("select" integer, "a b" text, [c.d] real, `é` blob);
insert into "odd ""name""" values (1, 'x', 0.5, x'01');
create table typeless(a, b, c);
insert into typeless values (1, 'one', 1.0), ('2', 2, '2.0'), (x'33', null, 3);
