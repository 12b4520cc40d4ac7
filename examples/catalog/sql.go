package main

// The queries. FTS5 gives what matches; what an index of words cannot know is looked up
// in the table of books.

// matching are the books that a search finds.
const matching = `
  FROM search JOIN books b ON b.id = search.rowid
  WHERE search MATCH :match
    AND (:language = '' OR b.language = :language)
    AND (:from = 0 OR b.year >= :from) AND (:to = 0 OR b.year <= :to)
    AND (:subject = '' OR EXISTS (SELECT 1 FROM json_each(b.subjects) WHERE value = :subject))`

// sqlCount counts them, sqlCountAll where there is nothing to look up.
const (
	sqlCount    = `SELECT count(*)` + matching
	sqlCountAll = `SELECT count(*) FROM search WHERE search MATCH :match`
)

// sqlPage finds a page of them. Only where it is by rank is the rank worked out, which
// costs most of all.
const sqlPage = `
  SELECT b.id` + matching + `
  ORDER BY CASE :sort WHEN 'new' THEN -b.year WHEN 'old' THEN b.year WHEN 'best' THEN search.rank ELSE 0 END, b.id
  LIMIT :limit OFFSET :offset`

// sqlHits reads what is shown of a page of books, in its order. What matched stands
// between the characters 2 and 3, which are in no text. The + keeps SQLite from asking
// the index for each of the books: to find all again is less.
const sqlHits = `
  SELECT b.id, highlight(search, 0, char(2), char(3)), highlight(search, 1, char(2), char(3)),
    snippet(search, 3, char(2), char(3), '…', 40), b.author, b.year, b.language, b.pages, b.shelf, b.subjects,
    (SELECT coalesce(sum(votes), 0) FROM ratings WHERE book = b.id),
    (SELECT coalesce(1.0 * sum(stars * votes) / sum(votes), 0) FROM ratings WHERE book = b.id)
  FROM search CROSS JOIN books b ON b.id = search.rowid
  WHERE search MATCH :match AND +search.rowid IN (SELECT value FROM json_each(:ids))
  ORDER BY (SELECT key FROM json_each(:ids) WHERE value = b.id)`

// sqlFacets counts the subjects and languages of the first books that are found.
const sqlFacets = `
  WITH found AS MATERIALIZED (SELECT b.language, b.subjects` + matching + ` LIMIT :limit)
  SELECT * FROM (SELECT 'subject', value, count(*) AS books FROM found, json_each(found.subjects)
    WHERE value <> :subject GROUP BY value ORDER BY books DESC, value LIMIT 8)
  UNION ALL
  SELECT * FROM (SELECT 'language', language, count(*) AS books FROM found
    WHERE :language = '' GROUP BY language ORDER BY books DESC, language LIMIT 6)`

const sqlBook = `
  SELECT b.id, b.title, a.name, b.description, b.author, b.year, b.language, b.pages, b.shelf, b.subjects,
    (SELECT coalesce(sum(votes), 0) FROM ratings WHERE book = b.id),
    (SELECT coalesce(1.0 * sum(stars * votes) / sum(votes), 0) FROM ratings WHERE book = b.id),
    b.details
  FROM books b JOIN authors a ON a.id = b.author WHERE b.id = :id`

// sqlDetails takes a book's JSON apart, the object in it too.
const sqlDetails = `
  SELECT CASE key WHEN 'height_mm' THEN 'height' ELSE replace(key, '_', ' ') END, CASE type
      WHEN 'object' THEN value ->> 'name' || ', no. ' || (value ->> 'number')
      WHEN 'array' THEN (SELECT group_concat(value, ', ') FROM json_each(each.value))
      ELSE value || iif(key = 'height_mm', ' mm', '') END
  FROM books, json_each(books.details) each WHERE books.id = :id`

const sqlVotes = `
  SELECT five.column1, coalesce(r.votes, 0) FROM (VALUES (5), (4), (3), (2), (1)) five
  LEFT JOIN ratings r ON r.book = :id AND r.stars = five.column1`

// sqlAlike finds books on the same first subject, those of about the same year first.
const sqlAlike = `
  SELECT b.id, b.title, b.year FROM search JOIN books b ON b.id = search.rowid
  WHERE search MATCH :match AND b.subjects ->> 0 = :subject AND b.id <> :id
  ORDER BY abs(b.year - :year), b.id LIMIT 6`

const sqlAuthor = `
  SELECT id, name, country, born, coalesce(died, 0), (SELECT count(*) FROM books WHERE author = :id) FROM authors WHERE id = :id`

const sqlAuthorBooks = `
  SELECT id, title, year FROM books WHERE author = :id ORDER BY year, id LIMIT :limit OFFSET :offset`

const sqlAuthorSubjects = `
  SELECT value, count(*) AS n FROM books, json_each(books.subjects) WHERE author = :id GROUP BY value ORDER BY n DESC, value LIMIT 8`

// What the first page shows is counted once, when the Micro is pushed.
const (
	sqlTotals = `
  SELECT (SELECT count(*) FROM books), (SELECT count(*) FROM authors), (SELECT coalesce(sum(votes), 0) FROM ratings),
    (SELECT min(year) FROM books), (SELECT max(year) FROM books)`
	sqlSubjects  = `SELECT value, count(*) FROM books, json_each(books.subjects) GROUP BY value ORDER BY value`
	sqlLanguages = `SELECT language, count(*) FROM books GROUP BY language ORDER BY language`
	// A few good votes say less than many: each book has twenty middling ones beside its own.
	sqlLoved = `
  SELECT b.id, b.title, a.name, b.year, 1.0 * r.sum / r.votes, r.votes
  FROM (SELECT book, sum(votes) AS votes, sum(stars * votes) AS sum FROM ratings GROUP BY book) r
    JOIN books b ON b.id = r.book JOIN authors a ON a.id = b.author
  ORDER BY (r.sum + 60.0) / (r.votes + 20) DESC, b.id LIMIT 6`
)
