package sqlite

import (
	"context"
	"errors"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// The bounds of an execution.
const (
	maxDatabases  = 16
	maxStatements = 128
	maxBlobs      = 32
	maxResults    = 256 << 20 // bytes of rows and values
)

// Session is what one instance has open. It is used by one goroutine at a time, and is
// to be closed.
type Session struct {
	pool  *Pool // nil has no databases
	meter Meter
	begin State

	databases  map[uint32]*database
	statements map[uint32]*query
	blobs      map[uint32]*stream
	last       uint32 // the number that was given last
	results    int64
	fault      *Error // of the last call that failed

	calls int64
	timed bool
	spent time.Duration // on the calls, while they are timed
	asked []Asked
}

// maxAsked bounds the calls that are told one by one.
const maxAsked = 64

// Asked is a call that was timed, of those that ask a database.
type Asked struct {
	// Call is the function of the ABI, and Kind how the statement begins, such as SELECT;
	// "" of a call without one. Nothing else of its text is told.
	Call, Kind string
	Began      time.Time
	Took       time.Duration
}

// Time has calls measured from now on, or only counted.
func (s *Session) Time(on bool) { s.timed = on }

// Asked returns the first calls that were timed since the session was made or reset.
func (s *Session) Asked() []Asked { return s.asked }

// kinds are how statements begin that a read-only database takes.
func kinds() []string { return []string{"SELECT", "WITH", "VALUES", "PRAGMA", "EXPLAIN"} }

// kindOf is how a statement begins, "OTHER" for what is not in the list: its text is the
// guest's own.
func kindOf(sql string) string {
	sql = strings.TrimLeft(sql, " \t\r\n;(")
	for _, kind := range kinds() {
		if len(sql) >= len(kind) && strings.EqualFold(sql[:len(kind)], kind) {
			return kind
		}
	}
	return "OTHER"
}

// timing measures a call, until the function that it returns is called.
func (s *Session) timing(f function, statement uint32) func() {
	kind := ""
	if q := s.statements[statement]; q != nil && f.name == "step" { // which may be finalized by the end
		kind = kindOf(q.sql)
	}
	began := time.Now()
	return func() {
		took := time.Since(began)
		s.spent += took
		if f.asks() && len(s.asked) < maxAsked {
			s.asked = append(s.asked, Asked{Call: f.name, Kind: kind, Began: began, Took: took})
		}
	}
}

// Calls is how often the guest has called since the session was made or reset, and for how
// long while that was measured.
func (s *Session) Calls() (int64, time.Duration) { return s.calls, s.spent }

// database is an open database of a session. It has a connection from its first use on:
// those of a snapshot may never be used.
type database struct {
	name string
	c    *connection
	// until is when its queries end that the guest has set a time for.
	until time.Time
}

// errOwnDeadline is the cause of a context that the guest has set a time for.
var errOwnDeadline = errors.New("interrupted: the time that the program has set is over")

// within is the context of a query of the database, which is to be ended.
func (d *database) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.until.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, d.until, errOwnDeadline)
}

// deadline has the queries of a database end so long from now, in nanoseconds; 0 has them
// end with the request only.
func (s *Session) deadline(number uint32, after int64) error {
	d := s.databases[number]
	switch {
	case d == nil:
		return misuse("no database is open under the number %d", number)
	case after < 0:
		return misuse("a deadline is none before now")
	case after == 0:
		d.until = time.Time{}
	default:
		d.until = time.Now().Add(time.Duration(after))
	}
	return nil
}

// query is a statement of a session.
type query struct {
	database *database
	number   uint32 // of the database
	sql      string
	s        *statement // nil until the first use, and after it was halted
	// kept are the bytes of sql that are counted in the connection's memory though there
	// is no statement.
	kept    int64
	columns int
	phase   phase
}

// phase is where a query is.
type phase int

const (
	ready   phase = iota // step begins it
	running              // step goes on
	pending              // it is at a row that had no room
	stopped              // it is at a row that was written with values not sent
)

// State is what a session has come to that others go on from. It holds nothing of the
// host's, and has a form in JSON.
type State struct {
	Databases  []OpenDatabase  `json:"databases,omitempty"`
	Statements []OpenStatement `json:"statements,omitempty"`
	// Last is the number that was given last.
	Last uint32 `json:"last,omitempty"`
}

// OpenDatabase is a database of a [State].
type OpenDatabase struct {
	Number uint32 `json:"number"`
	Name   string `json:"name"`
}

// OpenStatement is a statement of a [State].
type OpenStatement struct {
	Number   uint32 `json:"number"`
	Database uint32 `json:"database"`
	SQL      string `json:"sql"`
}

// NewSession returns a session that begins with a state, which may be anybody's making.
func NewSession(pool *Pool, begin State, meter Meter) *Session {
	s := &Session{pool: pool, meter: meter, begin: begin}
	s.restore()
	return s
}

// restore makes a session what its state says. What the state has too much is left out.
func (s *Session) restore() {
	s.last, s.results, s.fault = s.begin.Last, 0, nil
	s.calls, s.spent, s.asked = 0, 0, nil
	s.databases, s.statements, s.blobs = nil, nil, nil
	if len(s.begin.Databases) == 0 {
		return
	}
	s.databases = map[uint32]*database{}
	s.statements = map[uint32]*query{}
	for _, o := range s.begin.Databases[:min(len(s.begin.Databases), maxDatabases)] {
		if name, err := clean(o.Name); err == nil {
			s.databases[o.Number] = &database{name: name}
			s.last = max(s.last, o.Number)
		}
	}
	for _, o := range s.begin.Statements[:min(len(s.begin.Statements), maxStatements)] {
		if d := s.databases[o.Database]; d != nil && len(o.SQL) <= maxSQL {
			s.statements[o.Number] = &query{database: d, number: o.Database, sql: o.SQL}
			s.last = max(s.last, o.Number)
		}
	}
}

// State returns what the session has come to. An error says for the module's author what
// nobody could go on from.
func (s *Session) State() (State, error) {
	state := State{Last: s.last}
	if len(s.blobs) > 0 {
		return State{}, errors.New("a blob of a database is open")
	}
	for number, d := range s.databases {
		state.Databases = append(state.Databases, OpenDatabase{Number: number, Name: d.name})
	}
	for number, q := range s.statements {
		if q.phase != ready {
			return State{}, errors.New("a query has begun to give rows: read them to the end, or close them")
		}
		state.Statements = append(state.Statements, OpenStatement{Number: number, Database: q.number, SQL: q.sql})
	}
	return state, nil
}

// Reset puts the session back to what it began with.
func (s *Session) Reset() {
	s.Close()
	s.restore()
}

// Close closes all that is open. It is idempotent.
func (s *Session) Close() {
	for number := range s.blobs {
		s.closeBlob(number, nil)
	}
	for number := range s.statements {
		s.finalize(number, nil)
	}
	for number, d := range s.databases {
		if d.c != nil {
			s.pool.give(d.c)
		}
		delete(s.databases, number)
	}
}

// next gives a number.
func (s *Session) next() (uint32, error) {
	if s.last == 1<<32-1 {
		return 0, tooMuch("there are no numbers left")
	}
	s.last++
	return s.last, nil
}

// open opens a database by the path that the guest has named.
func (s *Session) open(ctx context.Context, path string) (uint32, error) {
	name, err := clean(path)
	if err != nil {
		return 0, err
	}
	if len(s.databases) >= maxDatabases {
		return 0, &Error{Code: sqlite3.SQLITE_CANTOPEN, Message: "unable to open database file: 16 are open already, and are to be closed first", Offset: -1}
	}
	number, err := s.next()
	if err != nil {
		return 0, err
	}
	if s.databases == nil {
		s.databases = map[uint32]*database{}
	}
	d := &database{name: name}
	s.databases[number] = d
	if _, err := s.connection(ctx, d); err != nil { // now, so that who opens it learns
		delete(s.databases, number)
		return 0, err
	}
	return number, nil
}

// connection returns the connection of a database.
func (s *Session) connection(ctx context.Context, d *database) (*connection, error) {
	if d.c != nil {
		if d.c.broken {
			return nil, &Error{Code: sqlite3.SQLITE_CORRUPT, Message: errBroken.Error(), Offset: -1}
		}
		return d.c, nil
	}
	if s.pool == nil {
		return nil, &Error{Code: sqlite3.SQLITE_CANTOPEN, Message: "unable to open database file: the program has no bundle", Offset: -1}
	}
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	c, err := s.pool.lease(ctx, d.name)
	if err != nil {
		s.charge(openFuel)
		return nil, err
	}
	d.c = c
	fuel := c.opening
	c.opening = 0
	s.charge(fuel)
	return c, nil
}

// charge counts fuel in, which may end the guest: what is open is known to the session by
// then, that closes it.
func (s *Session) charge(fuel int64) {
	if s.meter != nil {
		s.meter.Charge(fuel)
	}
}

// database returns what the guest has a number of.
func (s *Session) database(ctx context.Context, number uint32) (*database, *connection, error) {
	d := s.databases[number]
	if d == nil {
		return nil, nil, misuse("no database is open under the number %d", number)
	}
	c, err := s.connection(ctx, d)
	return d, c, err
}

// closeDatabase closes a database with all that belongs to it.
func (s *Session) closeDatabase(number uint32) error {
	d := s.databases[number]
	if d == nil {
		return misuse("no database is open under the number %d", number)
	}
	for n, b := range s.blobs {
		if b.database == d {
			s.closeBlob(n, s.meter)
		}
	}
	for n, q := range s.statements {
		if q.database == d {
			s.finalize(n, s.meter)
		}
	}
	delete(s.databases, number)
	if d.c != nil {
		s.pool.give(d.c)
	}
	return nil
}

// took counts bytes that have been handed to the guest.
func (s *Session) took(n int) error {
	s.results += int64(n)
	if s.results > maxResults {
		return tooMuch("the results together have more than %d MiB", maxResults>>20)
	}
	return nil
}
