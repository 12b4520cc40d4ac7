package project

import "fmt"

// hinted is an error with the next step, for those who ask an error for its Hint.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hint is the next step.
func (h hinted) Hint() string { return h.hint }

func hint(err error, format string, args ...any) error {
	return hinted{error: err, hint: fmt.Sprintf(format, args...)}
}
