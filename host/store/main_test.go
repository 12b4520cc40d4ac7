package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a data directory, and closes it after the test.
func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
