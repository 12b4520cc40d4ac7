package wasi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// A code file is all that is to be known of a module in order to run it. wazero reads
// its own part, the first, and no further. The rest is ours:
//
//	native code | stub | names of functions | data | description | its length | MAC
//
// It is one file, so that the stub cannot come to the code of another module.

// description is what a code file says of itself, and of its module.
type description struct {
	// Whole and Stub are the names under which wazero looks for the code of the
	// module, and of its stub. They depend on the processor's features.
	Whole string `json:"whole"`
	Stub  string `json:"stub"`
	// The lengths of the parts, in bytes.
	NativeBytes int64 `json:"native_bytes"`
	StubBytes   int64 `json:"stub_bytes"`
	NameBytes   int64 `json:"name_bytes"`
	DataBytes   int64 `json:"data_bytes"`

	Report   *Report             `json:"report"`
	Entry    string              `json:"entry"`
	Command  bool                `json:"command"`
	Prepared instrument.Prepared `json:"prepared"` // without what the parts hold
	// Refused are the faults of a module that got no code; then there is nothing else.
	Refused []string `json:"refused,omitempty"`
}

const (
	// descriptionBytes bounds a description, in which the names of imports and exports
	// take the most room.
	descriptionBytes = 32 << 20
	lengthBytes      = 4
	macBytes         = sha256.Size
)

// codeFile is an open code file.
type codeFile struct {
	description
	file *os.File
}

// writeCodeFile writes all but the MAC. whole is the file in which wazero has kept the
// code of the module.
func writeCodeFile(out io.Writer, d description, stub []byte, whole string) error {
	native, err := os.Open(whole)
	if err != nil {
		return fmt.Errorf("open code: %w", err)
	}
	defer func() { _ = native.Close() }()
	if d.NativeBytes, err = io.Copy(out, native); err != nil {
		return fmt.Errorf("copy code: %w", err)
	}
	names, err := json.Marshal(d.Prepared.Names)
	if err != nil {
		return fmt.Errorf("write the names of functions: %w", err)
	}
	var data bytes.Buffer
	if err := writeParts(&data, segments(d.Prepared.Data)); err != nil {
		return fmt.Errorf("write data: %w", err)
	}
	d.StubBytes, d.NameBytes, d.DataBytes = int64(len(stub)), int64(len(names)), int64(data.Len())
	d.Prepared.Code, d.Prepared.Names, d.Prepared.Data = nil, nil, nil
	for _, part := range [][]byte{stub, names, data.Bytes()} {
		if _, err := out.Write(part); err != nil {
			return fmt.Errorf("write what belongs to code: %w", err)
		}
	}
	return d.write(out)
}

// write writes the description, and its length behind it.
func (d description) write(out io.Writer) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("describe code: %w", err)
	}
	if _, err := out.Write(binary.LittleEndian.AppendUint32(text, uint32(len(text)))); err != nil {
		return fmt.Errorf("describe code: %w", err)
	}
	return nil
}

// segments are the data of a module as the parts of a memory, each small enough to be
// kept.
func segments(data []instrument.Segment) iter.Seq2[memory.Part, error] {
	return func(yield func(memory.Part, error) bool) {
		for _, s := range data {
			for at := 0; at < len(s.Bytes); at += partBytes {
				p := memory.Part{Offset: uint64(s.Offset) + uint64(at), Bytes: s.Bytes[at:min(at+partBytes, len(s.Bytes))]}
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// readCodeFile reads the description of a code file with so many bytes, without MAC.
// Whoever wrote it has worked on hostile bytes, and could say what it wants of the
// lengths and names.
func readCodeFile(file *os.File, size int64) (*codeFile, error) {
	c := &codeFile{file: file}
	var length [lengthBytes]byte
	if _, err := file.ReadAt(length[:], max(size-lengthBytes, 0)); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(length[:]))
	rest := size - lengthBytes - n
	if n > descriptionBytes || rest < 0 {
		return nil, fmt.Errorf("a description of %d bytes in a file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := file.ReadAt(text, rest); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &c.description); err != nil || len(c.Refused) > 0 {
		return c, err
	}
	for _, part := range []int64{c.NativeBytes, c.StubBytes, c.NameBytes, c.DataBytes} {
		if part < 0 || part > rest {
			return nil, fmt.Errorf("a part of %d bytes, where %d are left", part, rest)
		}
		rest -= part
	}
	if rest != 0 || c.Report == nil || !isEntry(c.Whole) || !isEntry(c.Stub) || c.Whole == c.Stub {
		return nil, fmt.Errorf("%d bytes belong to no part, or %q and %q are no entries", rest, c.Whole, c.Stub)
	}
	c.Report.entry, c.Report.command = c.Entry, c.Command
	return c, nil
}

// native is the machine code.
func (c *codeFile) native() io.Reader { return io.NewSectionReader(c.file, 0, c.NativeBytes) }

// stub reads the stub of the module.
func (c *codeFile) stub() ([]byte, error) {
	stub := make([]byte, c.StubBytes)
	_, err := c.file.ReadAt(stub, c.NativeBytes)
	return stub, err
}

// names reads the names of the functions.
func (c *codeFile) names() (map[uint32]string, error) {
	var names map[uint32]string
	err := json.NewDecoder(io.NewSectionReader(c.file, c.NativeBytes+c.StubBytes, c.NameBytes)).Decode(&names)
	return names, err
}

// data reads what the memory begins with.
func (c *codeFile) data() iter.Seq2[memory.Part, error] {
	return readParts(io.NewSectionReader(c.file, c.NativeBytes+c.StubBytes+c.NameBytes, c.DataBytes))
}

func (c *codeFile) close() error { return c.file.Close() }

// codeMAC is what says that it was this server that put a code file together, for the
// module with the digest. It is over the first size bytes.
func (c checkedCache) codeMAC(key digest, file io.ReaderAt, size int64) ([]byte, error) {
	mac := hmac.New(sha256.New, c.key)
	fmt.Fprintf(mac, "code of %x\n", key)
	if _, err := io.Copy(mac, io.NewSectionReader(file, 0, size)); err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	return mac.Sum(nil), nil
}

// open opens the code file of a module, which is whole.
func (c checkedCache) open(key digest) (*codeFile, error) {
	file, err := os.Open(c.codePath(key))
	if err != nil {
		return nil, fmt.Errorf("open code: %w", err)
	}
	code, err := c.check(key, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return code, nil
}

// check holds a file against its MAC, once in this process while it stays the same.
func (c checkedCache) check(key digest, file *os.File) (*codeFile, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at code: %w", err)
	}
	size := info.Size() - macBytes
	if !c.vetted.has(key, info) {
		have := make([]byte, macBytes)
		if _, err := file.ReadAt(have, max(size, 0)); err != nil {
			return nil, fmt.Errorf("read code: %w", err)
		}
		want, err := c.codeMAC(key, file, size)
		if err != nil {
			return nil, err
		}
		if !hmac.Equal(have, want) {
			return nil, errors.New("code cache: a file is damaged, or not of this server")
		}
		c.vetted.add(key, info)
	}
	code, err := readCodeFile(file, size)
	if err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	return code, nil
}

// publish puts what a child has handed over into the cache, or returns the
// [*RefusedError] that it was.
func (c checkedCache) publish(key digest, artefact *os.File) error {
	info, err := artefact.Stat()
	if err != nil {
		return fmt.Errorf("look at what a child process has compiled: %w", err)
	}
	handed, err := readCodeFile(artefact, info.Size())
	if err != nil {
		return fmt.Errorf("read what a child process has compiled: %w", err)
	}
	if len(handed.Refused) > 0 {
		return &RefusedError{Faults: handed.Refused}
	}
	mac, err := c.codeMAC(key, artefact, info.Size())
	if err != nil {
		return err
	}
	_, err = artefact.WriteAt(mac, info.Size())
	// All that is published is on disk before it has its name.
	if err := errors.Join(err, artefact.Sync()); err != nil {
		return fmt.Errorf("write code: %w", err)
	}
	if err := rename(artefact.Name(), c.codePath(key)); err != nil {
		return fmt.Errorf("publish code: %w", err)
	}
	return nil
}

// isEntry tells whether name is one that wazero gives to an entry of its cache.
func isEntry(name string) bool {
	return regexp.MustCompile(`^wazero-[A-Za-z0-9._+-]+/[0-9a-f]{64}$`).MatchString(name)
}
