package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goCGITests is how many tests Go's net/http/cgi has, at least.
const goCGITests = 32

// Go's own tests of a CGI host pass, with their program as a Micro behind our
// port: nothing of them is copied, one method is laid over Go's source.
func TestE2EGoCGI(t *testing.T) {
	s := serve(t, "--domain", "com", "--payload", "64MiB") // the tests ask for example.com
	module := filepath.Join(t.TempDir(), "cgi.wasm")
	must(t, tool([]string{"GOOS=wasip1", "GOARCH=wasm"}, "go", "test", "-c", "-o", module, "net/http/cgi"))
	req := s.request(http.MethodPut, "", "/api/v1/apps/example", bytes.NewReader(read(t, module)),
		"Authorization", "Bearer "+s.token, "Content-Type", "application/wasm")
	req.Host = "com"
	s.do(req).is(t, http.StatusCreated, "")

	cmd := exec.Command("go", "test", "-count=1", "-v", "-vet=off", "-timeout=5m", "-overlay", cgiOverlay(t), "net/http/cgi")
	cmd.Env = append(os.Environ(), "SPACEWASM_TEST_ADDR=127.0.0.1:"+s.port, "SPACEWASM_TEST_TOKEN="+s.token)
	out, err := cmd.CombinedOutput()
	passed := len(regexp.MustCompile(`(?m)^--- PASS: `).FindAll(out, -1))
	other := regexp.MustCompile(`(?m)^ *--- (FAIL|SKIP): `).FindAll(out, -1)
	if err != nil || passed < goCGITests || len(other) > 0 {
		t.Errorf("%v, %d of at least %d tests passed:\n%s", err, passed, goCGITests, out)
	}
}

// cgiOverlay makes the file for `go test -overlay`: the host's ServeHTTP becomes
// that of testdata/gocgi.
func cgiOverlay(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	must(t, err)
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "net", "http", "cgi")
	const method = "func (h *Handler) ServeHTTP("
	text := string(read(t, filepath.Join(source, "host.go")))
	if strings.Count(text, method) != 1 {
		t.Fatalf("host.go of Go has %d methods ServeHTTP", strings.Count(text, method))
	}
	dir := t.TempDir()
	theirs := filepath.Join(dir, "host.go")
	must(t, os.WriteFile(theirs, []byte(strings.Replace(text, method, "func (h *Handler) serveProcess(", 1)), 0o600))
	ours, err := filepath.Abs("testdata/gocgi/servehttp.go")
	must(t, err)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "host.go"): theirs, filepath.Join(source, "spacewasm.go"): ours,
	}})
	must(t, err)
	file := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(file, overlay, 0o600))
	return file
}
