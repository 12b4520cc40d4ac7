package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxKey is more than a file of a secret has, in bytes.
const maxKey = 4096

// ErrNoKeys says that a data directory has none of the server's secrets.
var ErrNoKeys = errors.New("there is neither a key nor an admin token in the data directory")

// WriteKeys writes the server's secrets to w, and returns the names of their files.
func WriteKeys(ctx context.Context, c Config, w io.Writer) ([]string, error) {
	m := Manifest{Format: format, Kind: kindKeys, Spacewasm: c.Version, Created: time.Now().UTC().Truncate(time.Second)}
	for _, name := range keyNames() {
		switch info, err := os.Stat(c.keyPath(name)); {
		case errors.Is(err, fs.ErrNotExist) && (name != keyName || c.KeyFile == ""):
			continue
		case err != nil:
			return nil, fmt.Errorf("back up keys: %w", err)
		case !info.Mode().IsRegular() || info.Size() > maxKey:
			return nil, fmt.Errorf("back up keys: %s is no file of a secret", c.keyPath(name))
		}
		m.Keys = append(m.Keys, name)
	}
	if len(m.Keys) == 0 {
		return nil, fmt.Errorf("%w %s", ErrNoKeys, c.Data)
	}
	a, err := newWriter(ctx, w, m, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range m.Keys {
		if err := a.copyFile(name, c.keyPath(name)); err != nil {
			return nil, fmt.Errorf("back up %s: %w", name, err)
		}
	}
	return m.Keys, a.finish()
}

// keyPath is where a file of a secret is.
func (c Config) keyPath(name string) string {
	if name == keyName && c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(c.Data, name)
}

// restoreKeys puts the secrets of an archive into dir.
func restoreKeys(ctx context.Context, dir string, r io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	_, err = readArchive(ctx, r, kindKeys, nil, func(e entry) error {
		if e.folder || !slices.Contains(keyNames(), e.name) || e.size > maxKey {
			return damaged("%.200q is no file of a secret", e.name)
		}
		return writeFile(root, e.name, e)
	})
	if err != nil {
		return fmt.Errorf("read the backup of keys: %w", err)
	}
	return nil
}
