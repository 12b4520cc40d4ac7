package wasi

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// frame returns a JSON document with its length before it, in four bytes, so that
// other bytes can follow.
func frame(document any) ([]byte, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...), nil
}

// readFrame reads what frame has made, of at most so many bytes.
func readFrame(r io.Reader, most uint32, document any) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > most {
		return fmt.Errorf("a document of %d bytes is too long", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	return json.Unmarshal(text, document)
}
