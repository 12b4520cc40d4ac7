package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

const siteAtRoot = `v: 0
micros:
  - {name: site, src: ., engine: static, serve: ., primary: true, public: true}
  - {name: api, src: api, engine: wasm}
  - {name: same, src: ., engine: wasm, run: bin/same.wasm}
`

// A site at the root of its project does not show the Spacefile, or what the other Micros are made of.
func TestSiteHidesOthers(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "app", tgz(
		t, entry{name: "Spacefile", body: siteAtRoot}, entry{name: "index.html", body: "the page"}, entry{name: "apis.html", body: "no Micro's"},
		entry{name: "api/main.wasm", body: guest("hello")}, entry{name: "api/secret.json", body: "secret"}, entry{name: "bin/same.wasm", body: guest("hello")},
	))
	app, release, _ := b.registry.Acquire("app")
	defer release()
	for path, want := range map[string]string{
		"/": "the page", "/apis.html": "no Micro's", "/bin/other.wasm": "",
		"/Spacefile": "", "/spacefile": "", "/bin/same.wasm": "", "/api/secret.json": "", "/API/main.wasm": "", "/api": "",
	} {
		rec := httptest.NewRecorder()
		err := app.Routes[0].Server.Serve(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		switch e := space.AsError(err); {
		case want == "" && (e == nil || e.Code != space.CodeNotFound):
			t.Errorf("%s: got %q, %v", path, rec.Body, err)
		case want != "" && (err != nil || rec.Body.String() != want):
			t.Errorf("%s: got %q, %v", path, rec.Body, err)
		}
	}
}
