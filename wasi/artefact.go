package wasi

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// handed is what a child hands over behind the code: a JSON document, and its
// length in four bytes. So the file becomes the entry when it is cut short.
type handed struct {
	note
	// Refused are the faults of a module that got no code.
	Refused []string `json:"refused,omitempty"`
}

// handedBytes bounds the document.
const handedBytes = 64 << 10

// compileNew prepares and compiles a module that is in no cache yet, and tells a
// failure of the system (a full disk, a file too large) from a fault of the module.
func (e *Engine) compileNew(ctx context.Context, code []byte) (wazero.CompiledModule, error) {
	if err := e.Validate(ctx, code); err != nil {
		return nil, err
	}
	prepared, err := prepare(code)
	if err != nil {
		return nil, err
	}
	native, err := e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, e.config.Workers), prepared.Code)
	if _, system := errors.AsType[syscall.Errno](err); system {
		return nil, fmt.Errorf("compile module: %w", err)
	}
	if err != nil {
		return nil, invalid(err)
	}
	return native, nil
}

func writeRefusal(out io.Writer, refused *RefusedError) error {
	const most = 4 << 10
	h := handed{}
	for _, fault := range refused.Faults {
		h.Refused = append(h.Refused, fault[:min(len(fault), most)])
	}
	return h.write(out)
}

// writeEntry copies the only entry of the cache.
func writeEntry(out io.Writer, cache string) error {
	paths, err := filepath.Glob(filepath.Join(cache, "*", "*"))
	if err == nil && len(paths) != 1 {
		err = fmt.Errorf("the compiler has left %d files", len(paths))
	}
	if err != nil {
		return err
	}
	file, err := os.Open(paths[0])
	if err != nil {
		return fmt.Errorf("open code: %w", err)
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(out, hash), file)
	if err != nil {
		return fmt.Errorf("copy code: %w", err)
	}
	h := handed{note: note{Entry: filepath.ToSlash(paths[0]), Bytes: size, SHA256: hex.EncodeToString(hash.Sum(nil))}}
	return h.write(out)
}

func (h handed) write(out io.Writer) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("describe code: %w", err)
	}
	if _, err := out.Write(binary.LittleEndian.AppendUint32(text, uint32(len(text)))); err != nil {
		return fmt.Errorf("describe code: %w", err)
	}
	return nil
}

// readArtefact reads what stands behind the code, and checks the code by it. The
// child is not believed: it has worked on hostile bytes.
func readArtefact(file *os.File) (handed, error) {
	var h handed
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return h, err
	}
	var length [4]byte
	if _, err := file.ReadAt(length[:], max(size-int64(len(length)), 0)); err != nil {
		return h, err
	}
	n := int64(binary.LittleEndian.Uint32(length[:]))
	code := size - int64(len(length)) - n
	if n > handedBytes || code < 0 {
		return h, fmt.Errorf("a description of %d bytes in a file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := file.ReadAt(text, code); err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil || len(h.Refused) > 0 {
		return h, err
	}
	if h.Bytes != code || !isEntry(h.Entry) {
		return h, fmt.Errorf("%d bytes are described as %d of %q", code, h.Bytes, h.Entry)
	}
	return h, h.check(io.NewSectionReader(file, 0, code))
}

// isEntry tells whether name is one that wazero gives to an entry of its cache.
func isEntry(name string) bool {
	return regexp.MustCompile(`^wazero-[A-Za-z0-9._+-]+/[0-9a-f]{64}$`).MatchString(name)
}
