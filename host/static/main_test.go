package static_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/static"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plant writes a tree of files and returns what opens it.
func plant(t testing.TB, files map[string]string) func() (*os.Root, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return func() (*os.Root, error) { return os.OpenRoot(dir) }
}

func open(t testing.TB, config static.Config) *static.Site {
	t.Helper()
	site := static.New(config)
	t.Cleanup(func() {
		if err := site.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return site
}

// site is a public one with the files.
func site(t testing.TB, files map[string]string) *static.Site {
	t.Helper()
	return open(t, static.Config{Files: plant(t, files), Public: true})
}

// ask returns what is answered, an error as the platform would put it.
func ask(t testing.TB, s *static.Site, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return serve(t, s, r)
}

func serve(t testing.TB, s *static.Site, r *http.Request) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	before := w.Body.Len()
	if err := s.Serve(w, r); err != nil {
		e := space.AsError(err)
		if w.Body.Len() != before {
			t.Fatalf("%s %s: wrote %d bytes and failed: %v", r.Method, r.URL.Path, w.Body.Len(), err)
		}
		if e.Code == space.CodeInternal {
			t.Fatalf("%s %q: %v", r.Method, r.URL.Path, err)
		}
		w.Header().Set("X-Space-Error", string(e.Code))
		w.WriteHeader(e.Code.Status())
	}
	return w.Result()
}

func body(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func with(files, more map[string]string) map[string]string {
	all := maps.Clone(files)
	maps.Copy(all, more)
	return all
}
