select 1

select 1 as one, 'two' as "two", 3.0 as [th ree], null as `four`, x'05' as five

select 1, 1, 1

select -9223372036854775808, 9223372036854775807, 9223372036854775808, -9223372036854775809

select 0.1, 1e300 * 1e10, -1e999, 1e-320, -0.0, 1.0, 123456789012345678.0, 3.0e-5

select 9e999 - 9e999, null + 1, 1 / 0, 1 % 0, 1.0 / 0

select 'a' || null, 'a' || 1, 1 || 2, x'61' || 'b', 1.5 || ''

select typeof(1), typeof(1.0), typeof('1'), typeof(x'31'), typeof(null)

select cast('12abc' as integer), cast('1e3' as integer), cast('1e3' as real), cast(x'3132' as integer), cast(3.99 as integer), cast('abc' as numeric), cast(1 as text), cast('é' as blob), cast(9e18 as integer), cast(1e19 as integer)

select 1 = '1', 1 = 1.0, '1' = x'31', null = null, null is null, 1 is not distinct from 1

select 5 / 2, -5 / 2, 5 % -3, -5 % 3, 5.0 / 2, 1 << 62, 1 << 63, 1 << 64, -1 >> 70, ~5, 6 & 3, 6 | 3

select 1 < 'a', 'a' < x'00', 'A' < 'a', 'a' = 'A' collate nocase, 'a ' = 'a' collate rtrim

select true, false, not 1, not null, 1 and null, 0 and null, 1 or null

select 0x7fffffffffffffff, 0xffffffffffffffff, 1_000_000, .5, 5.

select 'it''s', '', ' ', char(10), char(0), 'a' || char(0) || 'b', length('a' || char(0) || 'b')

select 'ünï€𝄞', length('ünï€𝄞'), octet_length('ünï€𝄞'), upper('ünï'), unicode('𝄞'), char(0x1d11e, 233), instr('ünï', 'ï')

select cast(x'fffe' as text), cast(x'c3' as text), length(cast(x'c328' as text))

select * from kinds order by id

select i, r, t, b from kinds where id = 1

select id, typeof(i), typeof(r), typeof(t), typeof(b), typeof(n), typeof(x), typeof(yes), typeof(d), typeof(ts) from kinds order by id

select d, ts, tm from kinds order by id desc

select ts from kinds order by id

select d as day, max(ts) from kinds where id < 5

select date(d), datetime(ts) from kinds order by id

select yes from kinds order by id

select n, dec, big, vc, u from kinds order by id

select x'', zeroblob(0), zeroblob(3), randomblob(0) is null, length(zeroblob(1000000))

select b, hex(b), length(b), typeof(b) from kinds order by id

select t, hex(t), length(t) from kinds order by id

select quote(t), quote(b), quote(r), quote(i) from kinds order by id

select unhex('00ff00'), unhex('0'), unhex('00-ff', '-'), hex(12), hex(null), hex('é')

select x from kinds order by x

select x from kinds order by x desc nulls last

select x from kinds order by x collate nocase, id

select count(*), count(x), count(distinct typeof(x)) from kinds

select min(i), max(i), sum(i), avg(i), total(i) from kinds where id in (1, 2, 3)

select sum(i), total(i), avg(r) from kinds where 0

select group_concat(vc), group_concat(vc, ' | ') from (select vc from kinds order by id)

select string_agg(name, ', ' order by name desc) from artists

select i from kinds where i is null union all select r from kinds where r is null

select rowid, oid, _rowid_, id from kinds limit 2

select count(*) filter (where i > 0), sum(i) filter (where i < 0) from kinds

select name, count(*) from artists group by lower(name) order by 2 desc, 1

select lower(name) as l, group_concat(id) from artists group by l having count(*) > 1

select name from artists order by name

select name from artists order by name collate nocase, id

select name from artists order by name collate rtrim desc

select country, count(*) from artists group by country order by country

select distinct country from artists order by 1

select born from artists order by id

select name, born, typeof(born) from artists where born > '1900' order by born

select id from artists where name like 'a%' order by id

select id from artists where name like 'Á%'

select id from artists where name glob 'A*'

select id from artists where name glob '*[a-c]e'

select title from albums where title like '%\%%' escape '\'

select title from albums where title like '%\_wild%' escape '\'

select title from albums where title like '100%'

select title from albums where title glob '100[%]*'

select 'abc' like 'ABC', 'abc' glob 'ABC', 'a' like '_', '' like '%', null like 'x', 'é' like 'É'

select * from albums order by id

select released, typeof(released) from albums order by id

select a.name, b.title from artists a join albums b on a.id = b.artist order by b.id

select a.name, b.title from artists a left join albums b on a.id = b.artist order by a.id, b.id

select a.name, b.title from artists a right join albums b on a.id = b.artist order by a.id, b.id

select a.name, b.title from artists a full outer join albums b on a.id = b.artist order by a.id nulls last, b.id

select count(*) from artists cross join albums

select count(*) from artists, albums, kinds

select * from artists natural join (select 1 as id, 'extra' as more)

select * from artists join (select 2 as id, 'using' as more) using (id)

select a.id, b.id from artists a, artists b where a.id < b.id and a.country = b.country collate nocase order by 1, 2

select name from artists where exists (select 1 from albums where artist = artists.id) order by id

select name from artists where id not in (select artist from albums where artist is not null) order by id

select name, (select count(*) from albums where artist = artists.id) as n from artists order by n desc, id

select name from artists where id in (1, 3, 5) order by id

select name from artists where (id, name) = (1, 'Ada')

select (1, 2) < (1, 3), (1, null) = (1, 2), (2, 1) in (values (1, 2), (2, 1))

values (1, 'a'), (2, 'b'), (null, x'00')

select column1, column2 from (values (1, 2), (3, 4))

select 1 union select 2 union select 1 order by 1 desc

select 1 union all select '1' union all select 1.0

select id from artists intersect select artist from albums order by 1

select id from artists except select artist from albums order by 1

select id from artists order by id limit 2 offset 3

select id from artists order by id limit -1 offset 5

select id from artists limit 0

select * from artists where 0

select case when 1 then 'a' else 'b' end, case 5 when 4 then 1 end, iif(0, 1, 2), coalesce(null, null, 3), ifnull(null, 'x'), nullif(1, 1)

select between_, x from (select 5 between 1 and 10 as between_, 5 not between 1 and 4 as x)

with t(a) as (select 1 union all select 2) select a * 10 from t

with t as materialized (select * from artists) select count(*) from t a join t b using (id)

with recursive c(i) as (values (1) union all select i + 1 from c where i < 10) select i, i * i from c

with recursive c(i) as (select 1 union all select i + 1 from c limit 5000) select sum(i), count(*) from c

with recursive c(i) as (select 1 union all select i + 1 from c limit 5000) select i, 'row ' || i, i / 7.0 from c

with recursive fib(a, b) as (select 0, 1 union all select b, a + b from fib where b < 1e15) select a from fib

with recursive below(id, name, depth, path) as (select id, name, 0, name from tree where parent is null union all select t.id, t.name, depth + 1, path || '/' || t.name from tree t join below b on t.parent = b.id) select * from below order by path

with recursive up(id) as (select 6 union select parent from tree join up using (id) where parent is not null) select name from tree where id in up order by id

with recursive m(x, y, n) as (select -2.0, 0.5, 0 union all select x + 0.25, y, n + 1 from m where n < 10) select x, y, round(x * x + y * y, 6) from m

with recursive c(i) as (select 1 union all select i * 2 from c where i < 100), d(j) as (select i from c where i > 10) select * from c left join d on i = j

select i, row_number() over (order by i desc nulls last) from kinds where i is null or typeof(i) = 'integer' order by id

select day, shop, amount, sum(amount) over (partition by shop order by day) as running from sales order by shop, day

select shop, amount, rank() over w, dense_rank() over w, percent_rank() over w, cume_dist() over w, ntile(3) over w from sales window w as (order by amount) order by amount, shop, day

select day, amount, lag(amount) over w, lead(amount, 2, -1) over w, first_value(amount) over w, last_value(amount) over w, nth_value(amount, 2) over w from sales where shop = 'north' window w as (order by day) order by day

select day, avg(amount) over (order by day rows between 1 preceding and 1 following) from sales where shop = 'north'

select day, sum(amount) over (order by julianday(day) range between 1 preceding and current row) from sales where shop = 'south'

select amount, count(*) over (order by amount groups between 1 preceding and current row exclude ties) from sales order by amount, shop

select shop, sum(amount) filter (where amount > 9) over (partition by shop) from sales order by shop, day

select shop, total(amount), max(day) from sales group by shop order by shop

select shop, day, max(amount) from sales group by shop order by shop

select day from sales group by day having sum(amount) > 15 order by day

select group_concat(shop, '') over (order by shop, day) from sales

select strftime('%Y-%m', day) as month, sum(amount) from sales group by month

select date('2024-02-29', '+1 year'), date('2024-01-31', '+1 month'), date('2024-01-31', '+1 month', 'floor'), date('2024-03-10', 'start of month', '-1 day', 'weekday 0')

select datetime(1700000000, 'unixepoch'), datetime(1700000000.5, 'unixepoch', 'subsec'), unixepoch('2024-02-29 12:34:56'), julianday('2000-01-01 12:00')

select time('12:34:56.789'), time('23:59', '+2 minutes'), strftime('%d %e %f %H %I %j %k %l %m %M %p %s %S %u %w %W %Y %G %V %%', '2024-02-29 15:04:05.678')

select date('not a date'), datetime(''), date(null), datetime('2024-13-01'), datetime('2024-02-29T12:00:00+02:00'), timediff('2024-02-29', '2023-01-01')

select date(2460000.5), datetime(0), datetime('-4713-11-24 12:00'), date('9999-12-31', '+1 day')

select round(2.5), round(-2.5), round(2.345, 2), round(1e20, 2), abs(-5), abs(-1.5), abs('x'), sign(-3), max(1, 2, 'a'), min(1, null)

select printf('%d|%5d|%-5d|%05d|%+d|%x|%X|%o', 42, 42, 42, 42, 42, 255, 255, 8)

select printf('%f|%.2f|%e|%g|%10.3f|%G', 1.5, 2.345, 12345.678, 0.0001, 3.14159, 1e-10)

select format('%s|%10s|%-10s|%.2s|%q|%Q|%w|%c|%%', 'text', 'r', 'l', 'cut', 'it''s', 'it''s', 'a"b', 'char')

select printf('%,d', 1234567890), printf('%!.3s', 'üñí€'), printf('%lld', 9223372036854775807), printf('%z'), printf('')

select substr('hello', 2, 3), substr('hello', -3), substr('hello', 0, 2), substr('hello', 2, -1), substr(x'0102030405', 2, 2), substring('ünï', 2, 1)

select trim('  x  '), ltrim('xxay', 'x'), rtrim('ayxx', 'xy'), trim('ünï', 'ü'), replace('aXbX', 'X', '--'), replace('', '', 'x'), replace('abc', '', 'x')

select instr('hello', 'l'), instr(x'010203', x'02'), instr('a', ''), soundex('Robert') is null or 1

select concat('a', null, 1, x'62'), concat_ws('-', 'a', null, 'b'), likely(1), unlikely(0)

select typeof(sqlite_version()), sqlite_version() >= '3.40', sqlite_compileoption_used('ENABLE_FTS5')

select hex(cast('text' as blob)), cast(x'74657874' as text), length(x'0000'), quote(x'00ff')

select sqrt(2), pow(2, 10), ln(10), log(100), log2(8), exp(1), sin(0), cos(0), pi(), ceil(1.2), floor(-1.2), trunc(1.9), mod(7, 3), degrees(pi())

select * from words where word = 'word0500'

select count(*), min(word), max(word), sum(n) from words

select word from words where word between 'word0010' and 'word0014'

select * from words order by n limit 5

select * from words order by word

select word, n from words where word > 'word0995'

select * from exact

select a, typeof(a) from exact order by rowid

select * from made

select total, text, typeof(total) from made where total > 0 order by total

select * from catalogue order by title

select name, max(price) from catalogue

select price, released from catalogue where name = 'Ada' order by price

select * from empty

select count(*) from empty

select id, length(t), length(b), octet_length(t) from longs order by id

select t from longs where id = 1

select b from longs where id = 1

select id, t, b from longs where id < 10 order by id

select id, t, b from longs where id >= 10 order by id

select id, t, b from longs order by id desc

select substr(t, 100000, 10), substr(b, 5, 8) from longs where id = 2

select t || t, b from longs where id = 2

select l.id, a.name, l.t from longs l join artists a on a.id = l.id order by l.id

select json('{"a" : 1 , "b": [ 1,2 ]}'), json_array(1, 'a', null, 2.5), json_object('k', 1, 'l', json('[1]')), json_quote('a"b')

select body -> 'a', body ->> 'a', body -> '$.b[1]', body ->> '$.b[2]', body ->> '$.c.d' from docs where id = 1

select id, json_type(body), json_valid(body), json_array_length(body) from docs order by id

select id, body ->> '$.a' from docs where json_valid(body) and json_type(body) = 'object' order by id

select key, value, type, atom, fullkey, path from docs, json_each(body) where docs.id = 1

select key, value, type, fullkey from docs, json_tree(body) where docs.id in (1, 2) order by docs.id, json_tree.id

select value from docs, json_each(docs.body, '$.b') where docs.id = 1

select json_extract(body, '$.a', '$.b') from docs where id in (1, 4) order by id

select json_set('{"a":1}', '$.b', 2), json_insert('[1]', '$[#]', 2), json_replace('{"a":1}', '$.a', 'x'), json_remove('{"a":1,"b":2}', '$.a'), json_patch('{"a":1}', '{"a":null,"c":3}')

select json_group_array(name), json_group_object(name, id) from (select * from artists order by id)

select body ->> '$."quote\"d"' from docs where id = 6

select typeof(jsonb('[1]')), json(jsonb('{"a":[1,2]}')), json_pretty('{"a":[1]}'), json_error_position('{"a":')

select json('{a:1, ''b'': 0x10, /* five */ c: +1.5,}'), json_valid('{a:1}', 2)

select sum(value) from json_each('[1,2,3.5]')

select j.value ->> 'n' as n from json_each('[{"n":1},{"n":"two"},{"n":null}]') j

select rowid, title from pages where pages match 'sandbox' order by rank

select title, bm25(pages) from pages where pages match 'program' order by bm25(pages)

select highlight(pages, 1, '<b>', '</b>') from pages where pages match 'sandbox OR snapshot' order by rowid

select snippet(pages, 1, '[', ']', '...', 5) from pages where pages match 'program' order by rowid

select title from pages where pages match 'prog*' order by rowid

select title from pages where pages match 'cafe' order by rowid

select title from pages where pages match 'NAIVE'

select title from pages where pages match 'title: sandbox'

select title from pages where pages match '{title body} : quoted'

select title from pages where pages match '"hello world"'

select title from pages where pages match 'NEAR(hello world, 1)'

select title from pages where pages match 'hello NOT wide'

select title from pages where pages match 'program AND (sandbox OR memory)' order by rowid

select title from pages where pages match '^cafe'

select title, rank from pages('hello')

select count(*) from pages where body = ''

select * from pages order by title

select text from code where text match 'main' order by rowid

select text from code where text like '%AINT%'

select text from code where code match '"sel"'

select rowid, text from porters where porters match 'run'

select rowid from porters where porters match 'connect'

select rowid from porters where porters match 'ru*' order by rowid

select highlight(porters, 0, '*', '*') from porters where porters match 'running'

select id, x0, x1, y0, y1, label from boxes order by id

select id, label from boxes where x0 <= 12 and x1 >= 6 and y0 <= 12 and y1 >= 6 order by id

select id from boxes where x0 > 19

select max(x1), typeof(x0) from boxes

select * from "odd ""name"""

select "select", `a b`, [c.d], "é" from "odd ""name""" where "a b" = 'x'

select "no such column" from artists limit 1

select * from typeless

select a, typeof(a), b, typeof(b), c, typeof(c) from typeless

select 'typeless' as a union all select a from typeless

select coalesce(d, 'none') from kinds order by id

select (select d from kinds where id = 1), max(d) from kinds

select d from (select d from kinds order by id)

select d from kinds union all select ts from kinds

select type, name, tbl_name from sqlite_master where type = 'table' and name not like '%\_%' escape '\' order by name

select sql from sqlite_schema where name = 'artists'

select name from sqlite_master where type in ('index', 'view') and name not like 'sqlite_%' order by name

explain query plan select * from sales where shop = 'north' and day > '2024'

select count(*) > 0 from (select 1)

select lower(name) from artists where lower(name) = 'ada' order by id

-- fails
select a.id, b.title from artists a left join lateral_ b on 1 = 0

select 1;

select 1; select 2

select 1; select 2 where 0

select 1 where 0; select 2; -- comment

select 1 ; ; select 3 ;

/* only a comment */

select /* inside */ 1 -- at the end

/* before */ select 'after'

select sum(amount) from sales where amount > (select avg(amount) from sales)

select shop, (select amount from sales s where s.shop = t.shop order by day desc limit 1) from (select distinct shop from sales) t order by shop

select a.shop, b.amount - a.amount from sales a join sales b on a.shop = b.shop and date(a.day, '+1 day') = b.day order by 1, a.day

select max(amount), day from sales

select * from (select * from sales order by amount desc limit 3) order by day, shop

select count(*), count(*) * 1.0 / (select count(*) from sales) from sales where amount is null

select 1 as "a""b", 2 as 'c''d', 3 as "ünï"

select 1 as date, 2 as datetime

select cast('2024-01-01' as date), cast('x' as timestamp)

select id from artists indexed by artists_lower where lower(name) = 'ada' order by id

select title from albums where price is not null order by price desc

-- fails
select title, price from albums where price > ?

select * from artists where id = 4 or name = '李' order by id

-- fails
select nosuch from artists

-- fails
select * from nosuch

-- fails
select * from artists where

-- fails
selec 1

-- fails
select 1 from

-- fails
select nosuch(1)

-- fails
select abs()

-- fails
select abs(-9223372036854775808)

-- fails
select sum(9223372036854775807) from (select 1 union all select 2)

-- fails
select sum(x) from (select 9223372036854775807 as x union all select 1)

-- fails
select json('{bad')

-- fails
select * from pages where pages match '"open'

-- fails
select * from pages where pages match 'nosuch: x'

-- fails
select 1; selec 2

-- fails
select (select 1, 2)

-- fails
select 1 union select 1, 2

-- fails
select * from artists order by 99

-- fails
select count(*) from artists group by count(*)

-- fails
select id from artists a join albums b on b.artist = a.id

-- fails
select 'unclosed

-- fails
select 1 limit 'x'

-- args [9]
select title, price from albums where price > ? order by id

-- args [3, "Alan"]
select * from artists where id = ? and name = ?

-- args ["Alan", 3]
select * from artists where id = ?2 and name = ?1

-- args [3]
select name, ?1, ?1 + 1, typeof(?1) from artists where id = ?1

-- args [1, 2.5, "text", null, true, false, {"blob": "AP8A"}, {"blob": ""}]
select ?, ?, ?, ?, ?, ?, ?, ?

-- args [1, 2.5, "text", null, true, {"blob": "AP8A"}, {"blob": ""}]
select typeof(?), typeof(?), typeof(?), typeof(?), typeof(?), typeof(?), typeof(?)

-- args [9223372036854775807, -9223372036854775808, 1e308, "", "ünï€𝄞", "a\u0000b"]
select ?, ?, ?, ?, ?, length(?)

-- args [{"time": "2024-02-29T12:34:56.5+02:00"}, {"time": "2024-02-29T12:34:56Z"}]
select ?, ?

-- named {"id": 2, "name": "Grace"}
select * from artists where id = :id and name = @name

-- named {"id": 2}
select name, $id, :id, @id from artists where id = $id

-- named {"x": 1}
-- args [5]
select ?1, :x

-- args [7, 8]
select $1, $2, $1

-- args [1, 2, 3]
select ?3, ?1

-- args [1, 2]
select ?

-- args [1]
select 1; select ?; select ? + 1

-- args ["a:b @c $d ?1"]
select ?, 'x:y @z'

-- args ["%a%", 2]
select name from artists where name like ? order by id limit ?

-- args ["hello*"]
select title from pages where pages match ? order by rank

-- args ["$.b[1]"]
select body -> ? from docs where id = 1

-- args ["[1,3]"]
select name from artists where id in (select value from json_each(?)) order by id

-- args ["2024-01-02"]
select shop, amount from sales where day = ? order by shop

-- args [{"blob": "MQ=="}]
select ?1 = x'31', ?1 = '1', hex(?1)

-- fails
select ?

-- args [1]
-- fails
select ?, ?

-- fails
select :missing

-- named {"other": 1}
-- fails
select :missing

-- args [1]
-- fails
select :name
