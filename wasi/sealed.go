package wasi

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minio/sio"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// keptSnapshot is where a snapshot is kept, and its key. A snapshot may hold what
// the guest's environment does, secrets with it, so it is sealed: nobody can read
// it, change it, or put another's in its place.
type keptSnapshot struct {
	path string
	key  []byte
}

// snapshotVersion changes whenever what is kept of a snapshot means another thing.
const snapshotVersion = 1

// snapshot says where the snapshot of a module is kept that is initialised so.
// Whatever the guest could see is part of that.
func (c checkedCache) snapshot(module digest, config Initialisation) (keptSnapshot, error) {
	limits := config.Instance.Limits
	text, err := json.Marshal([]any{
		snapshotVersion, instrument.Version, module, config.Owner, config.Bundle, config.Instance.Args, config.Instance.Env, limits,
	})
	if err != nil {
		return keptSnapshot{}, fmt.Errorf("name a snapshot: %w", err)
	}
	// A plain hash of secrets that are short would let anybody who sees the name try
	// them one after the other.
	mac := hmac.New(sha256.New, c.key)
	mac.Write(text)
	name := mac.Sum(nil)
	const keyBytes = 32
	key, err := hkdf.Key(sha256.New, c.key, name, "snapshot", keyBytes)
	if err != nil {
		return keptSnapshot{}, fmt.Errorf("derive the key of a snapshot: %w", err)
	}
	return keptSnapshot{key: key, path: filepath.Join(c.snapshots(), ownerDir(config.Owner), hex.EncodeToString(name))}, nil
}

func (c checkedCache) snapshots() string { return filepath.Join(c.dir, "snapshots") }

// ownerDir is the folder of an owner's snapshots.
func ownerDir(owner string) string {
	name := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(name[:])
}

// HasSnapshot tells whether LoadSnapshot will find the snapshot of a module with this
// digest, unless it is damaged. Of the bundle it needs but the name.
func (e *Engine) HasSnapshot(digest string, config Initialisation) bool {
	key, err := parseDigest(digest)
	if err != nil {
		return false
	}
	kept, err := e.checked().snapshot(key, config)
	if err != nil {
		return false
	}
	_, err = os.Stat(kept.path)
	return err == nil
}

// load reads the snapshot, or returns [ErrUnprepared] if there is none that is
// whole.
func (k keptSnapshot) load(m *Module, config InstanceConfig) (*Snapshot, error) {
	file, err := os.Open(k.path)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrUnprepared, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open a snapshot: %w", err)
	}
	defer func() { _ = file.Close() }()
	opened, err := sio.DecryptReader(file, sealing(k.key))
	if err != nil {
		return nil, fmt.Errorf("open a snapshot: %w", err)
	}
	s, err := m.readSnapshot(opened, config)
	if errors.Is(err, errDamaged) {
		err = fmt.Errorf("%w: %w", ErrUnprepared, err)
	}
	return s, err
}

// publish keeps what a child has handed over, in the place of all else that the
// owner has. What was refused is not kept, but returned as a [*RefusedError].
func (k keptSnapshot) publish(artefact *os.File) error {
	if _, err := artefact.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read a snapshot: %w", err)
	}
	opened, err := sio.DecryptReader(artefact, sealing(k.key))
	if err != nil {
		return fmt.Errorf("read a snapshot: %w", err)
	}
	h, err := readHeader(opened)
	if err != nil {
		return fmt.Errorf("read what a child process has initialised: %w", err)
	}
	if len(h.Refused) > 0 {
		return &RefusedError{Faults: h.Refused}
	}
	if err := artefact.Sync(); err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	// What the owner had before holds secrets that may have changed since.
	if err := os.RemoveAll(filepath.Dir(k.path)); err != nil {
		return fmt.Errorf("remove a snapshot: %w", err)
	}
	if err := rename(artefact.Name(), k.path); err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	return nil
}

// sealing is how snapshots are sealed: with an authenticated cipher, in pieces whose
// order and number it holds too.
func sealing(key []byte) sio.Config {
	return sio.Config{MinVersion: sio.Version20, CipherSuites: []byte{sio.AES_256_GCM}, Key: key}
}

// seal returns a writer that seals what it is given. It is to be closed.
func seal(w io.Writer, key []byte) (io.WriteCloser, error) {
	sealed, err := sio.EncryptWriter(w, sealing(key))
	if err != nil {
		return nil, fmt.Errorf("seal a snapshot: %w", err)
	}
	return sealed, nil
}
