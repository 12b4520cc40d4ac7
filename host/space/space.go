// Package space is the vocabulary of spacewasm: apps, Micros, revisions, the
// limits they live by, the errors that people meet, and the Spacefile. Every
// room of host speaks it; it imports nothing of ours.
package space

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// AppName names an app. It is a DNS label of at most 40 characters, because it
// becomes the first label of the app's host name. The zero value is invalid.
type AppName string

// Digest is the SHA-256 of a stored thing, as 64 lower-case hexadecimal digits.
type Digest string

// App is what the server keeps about an app beside its revisions.
type App struct {
	Name AppName
	// Key is the app's stable DETA_PROJECT_KEY, "<id>_<secret>" with exactly one
	// underscore (Deta's SDKs split it there). It is a secret.
	Key string
	// APIKey is the app's stable DETA_API_KEY, of the same form and as secret.
	APIKey  string
	Created time.Time
	// Active is the number of the revision that answers requests.
	Active int
	// Settings counts the changes of what its owner has set: variables.
	Settings int
	// Heir says that the name was another app's before, of which browsers may keep
	// something.
	Heir bool
}

// Revision is one immutable deployment of an app.
type Revision struct {
	App     AppName
	Number  int // 1 for the first, then counting up, never reused
	Created time.Time
	// Author is the name of the token that it was pushed with; "" in revisions of
	// earlier versions.
	Author string
	Micros []Micro
}

// Bytes is the size of its files. Those that Micros have in common count once.
func (r Revision) Bytes() (n int64) {
	bundles := map[Digest]int64{}
	for _, m := range r.Micros {
		bundles[m.Bundle] = m.BundleBytes
	}
	for _, size := range bundles {
		n += size
	}
	return n
}

// Micro is one deployed program of a revision. Its JSON form is what the store
// keeps.
type Micro struct {
	Name string `json:"name"`
	// Path is where the Micro answers: "/" for the primary one, "/name" for others.
	Path    string `json:"path"`
	Primary bool   `json:"primary"`
	Public  bool   `json:"public"`
	// PublicRoutes are the paths below the Micro's own that are open to all; see
	// [RouteMatches].
	PublicRoutes []string `json:"public_routes,omitempty"`
	// APIKeys lets in who sends one of the app's keys.
	APIKeys bool `json:"api_keys,omitempty"`
	// Engine is what serves the Micro; "" in revisions of earlier versions is
	// [EngineWasm].
	Engine Engine `json:"engine,omitempty"`
	// Fallback is the file that a static Micro answers navigations with for which it
	// has none; "" is none.
	Fallback string `json:"fallback,omitempty"`
	// Hidden are the files and folders of a static Micro's tree that are not its own:
	// the Spacefile, and the folders of other Micros.
	Hidden []string `json:"hidden,omitempty"`
	// Env are the variables that its author has declared.
	Env []EnvPreset `json:"env,omitempty"`
	// Actions are its Scheduled Actions.
	Actions []Action `json:"actions,omitempty"`
	// Isolation says what requests have of one another; "" is [IsolationRequest].
	Isolation Isolation `json:"isolation,omitempty"`
	// Limits are its own.
	Limits OwnLimits `json:"limits,omitzero"`
	// Run is the module's path within the bundle, then the guest's arguments; a static
	// Micro has none.
	Run []string `json:"run"`
	// Bundle is the digest of the Micro's file tree, its read-only "/".
	Bundle Digest `json:"bundle"`
	// BundleBytes is the size of the tree's files.
	BundleBytes int64 `json:"bundle_bytes"`
	// Module is the module's SHA-256, as 64 hexadecimal digits; "" in revisions of
	// older versions.
	Module string `json:"module,omitempty"`
	// Contract is how requests enter the module, for example "cgi".
	Contract string `json:"contract"`
	// MemoryBytes is the linear memory that the module begins with; 0 in revisions of
	// earlier versions.
	MemoryBytes int64 `json:"memory_bytes,omitempty"`
	// Databases are the SQLite files of the bundle.
	Databases []Database `json:"databases,omitempty"`
	// NoSnapshot says why requests do not start from a memory snapshot, "" if they do.
	NoSnapshot string `json:"no_snapshot"`
	// SnapshotBytes is the size of the snapshot's memory, and InitialiseTime what
	// running the initialiser took, in nanoseconds.
	SnapshotBytes  int64         `json:"snapshot_bytes,omitempty"`
	InitialiseTime time.Duration `json:"initialise_time,omitempty"`
	// Drew names what the initialiser drew ("randomness", "the time"): all requests
	// have the same of it.
	Drew []string `json:"drew,omitempty"`
	// WasmBytes is the size of the module.
	WasmBytes int64 `json:"wasm_bytes"`
	// CompileTime is what compiling the module took at upload, in nanoseconds.
	CompileTime time.Duration `json:"compile_time"`
}

// IsStatic tells whether the Micro is files that are served as they are.
func (m Micro) IsStatic() bool { return m.Engine.IsStatic() }

// Type is the value of DETA_SPACE_APP_MICRO_TYPE: "primary" or "normal".
func (m Micro) Type() string {
	if m.Primary {
		return "primary"
	}
	return "normal"
}

// Isolation says what requests to a Micro have of one another.
type Isolation string

const (
	// IsolationRequest gives each request fresh state.
	IsolationRequest Isolation = "request"
	// IsolationInstance has requests find the memory that others have left, until the
	// Micro sleeps; which of them, nobody can tell.
	IsolationInstance Isolation = "instance"
)

// ParseAppName checks that s may name an app.
func ParseAppName(s string) (AppName, error) {
	if !isAppName(s) {
		return "", fmt.Errorf("app name %q: want 1 to 40 lower-case letters, digits and inner hyphens", s)
	}
	switch s {
	case "api", "www", "console":
		return "", fmt.Errorf("app name %q is reserved for the platform; choose another", s)
	}
	return AppName(s), nil
}

// isAppName matches ^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$. It is asked for each request,
// of which a regular expression would take an eighth.
func isAppName(s string) bool {
	const most = 40
	if s == "" || len(s) > most || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// SuggestAppName turns the name of a file or folder into an app name, lowering
// its case and replacing what a name may not contain by hyphens.
func SuggestAppName(s string) (AppName, error) {
	slug := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s), "-")
	slug = strings.Trim(slug, "-")
	if len(slug) > 40 {
		slug = strings.TrimRight(slug[:40], "-")
	}
	return ParseAppName(slug)
}
