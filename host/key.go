package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/disk"
	"github.com/spacewasm/spacewasm/host/vault"
	"github.com/spacewasm/spacewasm/wasi"
)

// openKey reads the server's key, or makes it. file is where it is, "" for its place in
// the data directory.
func openKey(data, file string) ([]byte, error) {
	inside := filepath.Join(data, "key")
	// Where versions before had it, when it was the cache's alone.
	if err := renameMissing(filepath.Join(data, "cache.key"), inside); err != nil {
		return nil, err
	}
	if file == "" {
		return access.Key(inside)
	}
	there, err := exists(file)
	if err != nil || there {
		return keyOf(file, err)
	}
	// A new key would open nothing of what the one in the data directory has sealed.
	left, err := exists(inside)
	if left {
		return nil, fmt.Errorf("there is no key file %s, and a key in the data directory: `mv %s %s`, or name the file that you mean with --key-file",
			file, inside, file)
	}
	return keyOf(file, err)
}

func keyOf(file string, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return access.Key(file)
}

// renameMissing gives a file another name, unless that has one, or there is no such file.
func renameMissing(from, to string) error {
	there, err := exists(to)
	if err != nil || there {
		return err
	}
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rename the key: %w", err)
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the key: %w", err)
	}
	return true, nil
}

// openEngine opens the engine of a data directory, and the vault of its secrets, which
// share the key file.
func openEngine(ctx context.Context, config Config, reserve *disk.Reserve) (*wasi.Engine, *vault.Vault, error) {
	key, err := openKey(config.Data, config.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := vault.New(key)
	if err != nil {
		return nil, nil, err
	}
	engine, err := wasi.New(ctx, wasi.Config{
		CacheKey: key, CacheDir: filepath.Join(config.Data, "cache"), Workers: 2, Isolated: true, Room: reserve.Take,
	})
	return engine, secrets, err
}
