package host

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

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

// keys are what is derived from the server's key file, each for one use.
type keys struct {
	cache    []byte // of machine code and snapshots
	secrets  *vault.Vault
	sessions []byte
}

func openKeys(config Config) (keys, error) {
	key, err := openKey(config.Data, config.KeyFile)
	if err != nil {
		return keys{}, err
	}
	k := keys{cache: key}
	if k.secrets, err = vault.New(key); err != nil {
		return keys{}, err
	}
	if k.sessions, err = hkdf.Key(sha256.New, key, nil, "spacewasm sessions v1", sha256.Size); err != nil {
		return keys{}, fmt.Errorf("derive the key of sessions: %w", err)
	}
	return k, nil
}

// openEngine opens the engine of a server. One for others leaves them processors when
// it compiles; a developer waits for just that.
func openEngine(ctx context.Context, config Config, key []byte, reserve *disk.Reserve, compiled func(time.Duration)) (*wasi.Engine, error) {
	workers := 2
	if config.Dev != nil {
		workers = max(workers, runtime.GOMAXPROCS(0))
	}
	return wasi.New(ctx, wasi.Config{
		CacheKey: key, CacheDir: filepath.Join(config.Data, "cache"), Workers: workers, Isolated: true, Room: reserve.Take,
		Compiled: compiled,
	})
}
