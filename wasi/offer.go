package wasi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// offerLink has wazero find the code file itself under a name, until the function that
// it returns is called: it reads no further than the code.
func (c *codeFile) offerLink(name string) (done func() error, err error) {
	target, err := filepath.Abs(c.file.Name())
	if err == nil {
		err = os.Symlink(target, name)
	}
	if err != nil {
		return nil, fmt.Errorf("offer code: %w", err)
	}
	return func() error { return withdraw(name) }, nil
}

// withdraw removes an offer, which another engine that begins may have swept.
func withdraw(name string) error {
	if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
