package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T7: a file is there only for the app that has it, and an app that is not there has none.
func TestMissing(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	module := wasitest.Guest("hello")
	digest := sha256.Sum256(module)
	sum, other := hex.EncodeToString(digest[:]), strings.Repeat("0", 64)
	body := fmt.Sprintf(`{"files":[{"sha256":%q,"size":%d},{"sha256":%q,"size":1}]}`, sum, len(module), other)
	for app, want := range map[string][]string{"app": {other}, "another": {sum, other}} {
		rec := b.ask(t, http.MethodPost, "/api/v1/apps/"+app+"/missing", strings.NewReader(body), "Content-Type", "application/json")
		if got := decode[wire.Missing](t, rec); rec.Code != http.StatusOK || !slices.Equal(got.Missing, want) {
			t.Errorf("%s: got %d %v, want %v", app, rec.Code, got, want)
		}
	}
	file := fmt.Sprintf(`{"sha256":%q,"size":1}`, sum)
	for name, c := range map[string]struct {
		body string
		code space.Code
	}{
		"no JSON":       {"x", space.CodeBadRequest},
		"no sum":        {`{"files":[{"sha256":"abc","size":1}]}`, space.CodeBadRequest},
		"upper case":    {`{"files":[` + strings.ToUpper(file) + `]}`, space.CodeBadRequest},
		"minus":         {`{"files":[` + strings.Replace(file, "1}", "-1}", 1) + `]}`, space.CodeBadRequest},
		"too many":      {`{"files":[` + strings.Repeat(file+",", 20_000) + file + `]}`, space.CodePayloadTooLarge},
		"too large":     {strings.Repeat(" ", 3<<20) + body, space.CodePayloadTooLarge},
		"no app's name": {body, space.CodeBadRequest},
	} {
		app := "app"
		if name == "no app's name" {
			app = "No_App"
		}
		wantProblem(t, name, b.ask(t, http.MethodPost, "/api/v1/apps/"+app+"/missing", strings.NewReader(c.body), "Content-Type", "application/json"), c.code)
	}
	// As long as it is in bounds, so many may be asked for.
	rec := b.ask(t, http.MethodPost, "/api/v1/apps/app/missing", strings.NewReader(`{"files":[`+strings.Repeat(file+",", 19_999)+file+`]}`), "Content-Type", "application/json")
	if rec.Code != http.StatusOK {
		t.Errorf("got %d", rec.Code)
	}
}
