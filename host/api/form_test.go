package api_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T9: a push may bring variables, which are set with it, and told to nobody.
func TestPushForm(t *testing.T) {
	const secret = "correct horse"
	b := newBench(t)
	value, module := secret, wasitest.Guest("hello")
	kind, body, size, err := client.Form(map[string]*string{"A": &value}, "application/wasm", io.NopCloser(bytes.NewReader(module)), int64(len(module)))
	if err != nil {
		t.Fatal(err)
	}
	form, err := io.ReadAll(body)
	if err != nil || int64(len(form)) != size {
		t.Fatalf("%d bytes of %d, %v", len(form), size, err)
	}
	put := func(form []byte, headers ...string) (code int, told string) {
		rec := b.ask(t, http.MethodPut, "/api/v1/apps/app", bytes.NewReader(form), append([]string{"Content-Type", kind}, headers...)...)
		return rec.Code, rec.Body.String()
	}
	boundary := string(form[:bytes.IndexByte(form, '\r')])
	for name, c := range map[string]struct {
		form string
		code space.Code
	}{
		"another part first":  {strings.Replace(string(form), `name="env"`, `name="bundle"`, 1), space.CodeBadRequest},
		"another part second": {strings.Replace(string(form), `name="bundle"`, `name="env"`, 1), space.CodeBadRequest},
		"a third part":        {strings.TrimSuffix(string(form), "--\r\n") + "\r\n\r\nx\r\n" + boundary + "--\r\n", space.CodeBadRequest},
		"an epilogue":         {string(form) + strings.Repeat(secret, 1000), space.CodeBadRequest},
		"no variables":        {strings.Replace(string(form), `{"set":{"A":"`+secret+`"}}`, secret, 1), space.CodeBadRequest},
		"unset":               {strings.Replace(string(form), `"set":{"A":"`+secret+`"}`, `"unset":["A"]`, 1), space.CodeBadRequest},
		"a name":              {strings.Replace(string(form), `"A"`, `"PORT"`, 1), space.CodeRefused},
		"too many bytes":      {strings.Replace(string(form), secret, strings.Repeat(secret, 1<<17), 1), space.CodePayloadTooLarge},
		"no bundle":           {string(form[:bytes.Index(form, []byte("\r\n"+boundary))]) + "\r\n" + boundary + "--\r\n", space.CodeBadRequest},
		"nothing":             {"", space.CodeBadRequest},
		"no form":             {string(module), space.CodeBadRequest},
		"broken off":          {string(form[:len(form)-len(boundary)-20]), space.CodeBadRequest},
		"broken off before":   {string(form[:100]), space.CodeBadRequest},
	} {
		rec := b.ask(t, http.MethodPut, "/api/v1/apps/app", strings.NewReader(c.form), "Content-Type", kind)
		wantProblem(t, name, rec, c.code)
		if strings.Contains(rec.Body.String()+b.said.String(), secret) {
			t.Errorf("%s: %s\n%s", name, rec.Body, b.said)
		}
	}
	deploy := "Bearer " + b.makes(t, "/api/v1/tokens", `{"name":"ci","app":"app"}`)
	if code, told := put(form, "Authorization", deploy); code != http.StatusForbidden || !strings.Contains(told, "admin's") {
		t.Errorf("who may only push gets %d %s", code, told)
	}
	if rec := b.ask(t, http.MethodGet, "/api/v1/apps/app", nil); rec.Code != http.StatusNotFound {
		t.Errorf("there is an app: %s", rec.Body)
	}
	if code, told := put(form); code != http.StatusCreated || strings.Contains(told, secret) {
		t.Fatalf("got %d %s", code, told)
	}
	if now := decode[wire.Env](t, b.ask(t, http.MethodGet, "/api/v1/apps/app/env?reveal=true", nil)).Variables; len(now) != 1 || *now[0].Value != secret {
		t.Errorf("got %+v", now)
	}
	if code, told := put(form, "Accept", "application/x-ndjson"); code != http.StatusOK || !strings.Contains(told, `"event":"done"`) {
		t.Errorf("with its steps: %d %s", code, told)
	}
}
