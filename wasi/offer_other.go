//go:build !linux

package wasi

// offer has wazero find the machine code under a name, until the function that it
// returns is called.
func (c *codeFile) offer(name string) (done func() error, err error) { return c.offerLink(name) }
