// Package backup writes a data directory into one file, and reads it back.
//
// The file is a gzipped tar archive: manifest.json, spacewasm.db, the trees of
// blobs/, logs/ if they are asked for, and last of all end.json with the digest of
// everything before it, so that an archive that was cut or damaged is refused. The
// server's secrets are in an archive of their own, of the same form.
package backup

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spacewasm/spacewasm/host/store"
)

// format is the version of the archives that this program writes, and the newest
// that it reads.
const format = 1

// What an archive may hold.
const (
	kindData = "data"
	kindKeys = "keys"
)

const (
	manifestName = "manifest.json"
	databaseName = "spacewasm.db"
	blobsName    = "blobs"
	logsName     = "logs"
	endName      = "end.json"
	keyName      = "key"
)

// keyNames are the files that hold secrets of the server: the admin token, and the
// key that seals what is secret of the apps, by its names of now and before.
func keyNames() []string { return []string{"token", keyName, "cache.key"} }

// Manifest is the first entry of an archive: what is in it.
type Manifest struct {
	Format    int       `json:"format"`
	Kind      string    `json:"kind"`      // "data" or "keys"
	Spacewasm string    `json:"spacewasm"` // the version that wrote it
	Created   time.Time `json:"created"`   // whose state it is
	Schema    int       `json:"schema,omitempty"`
	Logs      bool      `json:"logs"` // whether they are in it
	// Database is the SHA-256 of the database, so that it need not be opened to be judged.
	Database string `json:"database,omitempty"`
	Bundles  int    `json:"bundles"`
	// Bytes are those of the database and the bundles.
	Bytes int64              `json:"bytes"`
	Apps  []store.AppContent `json:"apps,omitempty"`
	// Keys are the names of the files of an archive of keys.
	Keys []string `json:"keys,omitempty"`
}

// end is the last entry of an archive.
type end struct {
	Entries int64  `json:"entries"` // before it
	SHA256  string `json:"sha256"`  // of their names, sizes and contents; see [store.Sum]
}

// maxManifest is more than a manifest of a hundred thousand apps has, in bytes.
const maxManifest = 16 << 20

// check refuses what this program does not know to read.
func (m Manifest) check(kind string) error {
	switch {
	case m.Format < 1:
		return fmt.Errorf("%w: its manifest is none", errNoBackup)
	case m.Format > format:
		return fmt.Errorf("the backup has format %d, this spacewasm knows %d: upgrade the program", m.Format, format)
	case m.Kind != kind && kind == kindData:
		return fmt.Errorf("this is a backup of keys (%q), not of data: give it as --keys", m.Kind)
	case m.Kind != kind:
		return fmt.Errorf("this is a backup of data (%q), not of keys: the file that `backup --keys` wrote is wanted", m.Kind)
	}
	return nil
}

func readJSON(r io.Reader, most int64, into any) error {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return err
	}
	if int64(len(text)) > most {
		return damaged("it has more than %d bytes of JSON", most)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return damaged("%v", err)
	}
	return nil
}
