// Package wire holds the JSON shapes of the admin API, shared by the server and
// its client.
package wire

import "time"

// Apps is the answer of GET /api/v1/apps.
type Apps struct {
	Apps []App `json:"apps"`
}

// App describes an app and its active revision. It is the answer of a push, and
// of GET /api/v1/apps/{app}.
type App struct {
	App      string `json:"app"`
	Revision int    `json:"revision"`
	URL      string `json:"url"`
	// Domains are hosts of its owner's own at which it answers, too.
	Domains []string `json:"domains,omitempty"`
	// Shadowed are others that do not count, as they have become the server's own.
	Shadowed []string  `json:"shadowed,omitempty"`
	Created  time.Time `json:"created"` // when the revision was made, UTC
	Micros   []Micro   `json:"micros"`
	// Failed says why the revision does not run, "" when it does.
	Failed string `json:"failed,omitempty"`
	// Preparing says that the revision is being prepared for the server's version,
	// and does not answer yet.
	Preparing bool `json:"preparing,omitempty"`
}

// Micro describes one Micro of a revision.
type Micro struct {
	Name      string   `json:"name"`
	Path      string   `json:"path"`
	Contract  string   `json:"contract"`
	Primary   bool     `json:"primary"`
	Public    bool     `json:"public"`
	APIKeys   bool     `json:"api_keys"` // lets in who sends one of the app's keys
	WasmBytes int64    `json:"wasm_bytes"`
	CompileMS float64  `json:"compile_ms"` // what compiling took at upload
	Snapshot  Snapshot `json:"snapshot"`
	// Databases are the SQLite files among the Micro's.
	Databases []Database `json:"databases,omitempty"`
	Usage     Usage      `json:"usage"`
}

// Database is a SQLite file of a Micro.
type Database struct {
	Name     string  `json:"name"`
	Bytes    int64   `json:"bytes"`
	PageSize int     `json:"page_size"`
	Tables   []Table `json:"tables"`
	More     int     `json:"more,omitempty"`  // tables beside these
	Fault    string  `json:"fault,omitempty"` // why it cannot be queried
}

// Table is a table of a database.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"` // -1 where they were not counted
}

// Usage is what the requests of a Micro have used since it went live.
type Usage struct {
	Requests int64   `json:"requests"`
	Fuel     uint64  `json:"fuel"`
	RunMS    float64 `json:"run_ms"`
}

// Snapshot says whether requests start from a memory snapshot, and if not, why.
type Snapshot struct {
	Taken  bool   `json:"taken"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason,omitempty"`
	// InitialiseMS is how long the initialiser ran, in milliseconds.
	InitialiseMS float64 `json:"initialise_ms,omitempty"`
	// Drew names what the initialiser drew that all requests have in common:
	// "randomness", "the time".
	Drew []string `json:"drew,omitempty"`
}

// Revisions is the answer of GET /api/v1/apps/{app}/revisions, the newest first.
type Revisions struct {
	Revisions []Revision `json:"revisions"`
}

// Revision describes a kept revision of an app.
type Revision struct {
	Revision int       `json:"revision"`
	Created  time.Time `json:"created"` // UTC
	// Author is the name of the token that it was pushed with; "" if that is not known.
	Author string   `json:"author"`
	Active bool     `json:"active"` // it is the one that answers
	Micros []string `json:"micros"`
	// Changes says in words what it has changed of the kept revision before it; empty if
	// none is kept.
	Changes []string `json:"changes"`
	Bytes   int64    `json:"bytes"` // of its bundles' files
}

// Rollback is the body of POST /api/v1/apps/{app}/rollback.
type Rollback struct {
	// Revision is the one that is to answer; 0 is the one before that which does.
	Revision int `json:"revision,omitempty"`
}

// Env is the answer of GET and PATCH /api/v1/apps/{app}/env.
type Env struct {
	Variables []Variable `json:"variables"`
	// Snapshots names the Micros that have a new snapshot for the change.
	Snapshots []string `json:"snapshots,omitempty"`
}

// Variable describes a variable of an app, or of one of its Micros.
type Variable struct {
	Name string `json:"name"`
	// Micro is "" for a variable of all Micros of the app.
	Micro string `json:"micro"`
	// Set says that the app's owner has given it a value, and Changed when, UTC.
	Set     bool      `json:"set"`
	Changed time.Time `json:"changed,omitzero"`
	// Declared says that the Micro's author has, with a description and a default.
	Declared    bool   `json:"declared"`
	Description string `json:"description,omitempty"`
	Default     string `json:"default,omitempty"`
	// Closed says that the value cannot be read, as the server's key is another.
	Closed bool `json:"closed,omitempty"`
	// Value is there if it was asked for.
	Value *string `json:"value,omitempty"`
}

// EnvChange is the body of PATCH /api/v1/apps/{app}/env.
type EnvChange struct {
	Set   map[string]*string `json:"set,omitempty"`
	Unset []string           `json:"unset,omitempty"`
}

// Version is the answer of GET /api/v1/version.
type Version struct {
	Version string `json:"version"`
	Domain  string `json:"domain"`
}

// The parts of a push with variables, a form: a document like [EnvChange], and the bundle.
const (
	FormEnv    = "env"
	FormBundle = "bundle"
)

// Proof is the answer of GET /api/v1/proof: see package access.
type Proof struct {
	Proof string `json:"proof"`
	// Open says that the server takes who asks for its owner, and wants no token.
	Open bool `json:"open,omitempty"`
}

// Files is the body of POST /api/v1/apps/{app}/missing.
type Files struct {
	Files []File `json:"files"`
}

// File is what a file holds.
type File struct {
	SHA256 string `json:"sha256"` // hexadecimal, in lower case
	Size   int64  `json:"size"`   // in bytes
}

// Missing is the answer: those that a push has to send.
type Missing struct {
	Missing []string `json:"missing"` // by their SHA-256
}
