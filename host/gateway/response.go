package gateway

import (
	"net/http"
	"path"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// microWriter is the response of a Micro: before its header goes out, it is held
// to what a Micro may say of itself.
type microWriter struct {
	http.ResponseWriter
	micro space.Micro
	// cookies are lines of Set-Cookie that are the platform's.
	cookies []string
	wrote   bool
	status  int // what was sent; 0 is nothing
}

// Unwrap is for [http.ResponseController].
func (w *microWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *microWriter) WriteHeader(status int) {
	if !w.wrote && status >= 200 {
		w.wrote, w.status = true, status
		w.settle()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *microWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Flush lets Micros stream: an [http.Flusher] sends the header first.
func (w *microWriter) Flush() {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	// Who cannot flush writes through at once or at the end.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// settle keeps a Micro's cookies with its host, what a private Micro answers out of shared caches, unless the
// Micro knows better, and its service workers below its path: one that is above
// could answer for the other Micros of the app.
func (w *microWriter) settle() {
	header := w.Header()
	keepCookiesHome(header)
	if w.cookies != nil { // before the Micro's, which may set one of the same name anew
		header["Set-Cookie"] = append(w.cookies, header["Set-Cookie"]...)
	}
	if !w.micro.Public && header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "private")
	}
	if scope := header.Values("Service-Worker-Allowed"); len(scope) > 1 || (len(scope) == 1 && !within(w.micro.Path, scope[0])) {
		header.Del("Service-Worker-Allowed")
	}
}

// within tells whether the scope of a service worker is a plain absolute path at
// or below the Micro's. Browsers resolve it as a URL, so that a relative one, or
// one with dots, escapes or another host in it, may lead elsewhere.
func within(micro, scope string) bool {
	if !strings.HasPrefix(scope, "/") || strings.ContainsAny(scope, "\\%?#\t") || path.Clean(scope) != strings.TrimSuffix(scope, "/") && scope != "/" {
		return false
	}
	base := strings.TrimSuffix(micro, "/")
	return base == "" || scope == base || strings.HasPrefix(scope, base+"/")
}
