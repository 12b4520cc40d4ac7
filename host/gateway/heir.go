package gateway

import (
	"net/http"
	"net/url"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// freshTime is how long a browser remembers that it has nothing of a former app.
const freshTime = 400 * 24 * time.Hour // the longest that browsers take

// refresh has a browser forget what an app of the same name has left in it, cookies,
// storage and service workers, before it shows the first page of the new one. It tells
// whether the request is answered by that.
func (g *Gateway) refresh(w http.ResponseWriter, r *http.Request, app space.App) bool {
	if !app.Heir || !isNavigation(r) || same(g.cookie(r, freshCookie), digest(app.Key)) {
		return false
	}
	// The cookie that ends it cannot come with the order to forget all cookies.
	w.Header().Set("Clear-Site-Data", `"cache", "cookies", "storage"`)
	redirect(w, r, freshPath+"?"+url.Values{"return": {localPath(r.URL.RequestURI())}}.Encode())
	return true
}
