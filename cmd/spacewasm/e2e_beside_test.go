package main_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// An app, which is of the same site to a browser that is logged in to the console, so that
// this sends the session along, tries what it can: to read, to frame, and to have
// something deleted (T13).
func TestE2EConsoleBesideApps(t *testing.T) {
	b := browse(t)
	s := serve(t, "--domain", "space.localhost") // hosts below localhost alone are sites of their own
	at := func(host, target string) string { return "http://" + host + ":" + s.port + target }
	own := at("console.space.localhost", "")
	push := s.request(http.MethodPut, "", "/api/v1/apps/bakery", bytes.NewReader(read(t, probe(t))), "Authorization", "Bearer "+s.token, "Content-Type", "application/wasm")
	push.URL.Host, push.Host = "127.0.0.1:"+s.port, ""
	s.do(push).is(t, http.StatusCreated, "")
	b.do(chromedp.Navigate(own + "/"))
	b.shows("Admin token")
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), s.token))
	b.goes(chromedp.Click(chromedp.CSS("main button")))
	b.shows("1 app on this server")
	// The probe answers with what stands in the path.
	visit := func(page string) {
		t.Helper()
		b.complaints()
		b.do(chromedp.Navigate(at("bakery.space.localhost", "/raw/"+url.PathEscape("Content-Type: text/html\n\n"+page))))
	}
	visit(`<p id="said">waiting</p><script>
		Promise.allSettled([
			fetch("` + own + `/list", {credentials: "include"}),
			fetch("` + own + `/apps/bakery/delete", {method: "POST", credentials: "include", mode: "no-cors", body: new URLSearchParams({confirm: "bakery"})}),
		]).then(all => { document.getElementById("said").textContent = "read: " + all[0].status + ", sent: " + all[1].status })</script>`)
	b.shows("read: rejected, sent: fulfilled") // with a 403 that it cannot read
	// The session was sent along, or nothing would be shown by this.
	s.until("the refusals in the log", func() bool {
		log := s.stderr.String()
		return strings.Contains(log, "path=/apps/bakery/delete status=403") && strings.Contains(log, "path=/list status=403")
	})
	visit(`<iframe src="` + own + `/" width="500" height="300"></iframe>`)
	b.until(`document.querySelector("iframe").contentDocument === null`) // it is no empty page of this host any more
	if framed := strings.Join(b.complaints(), "\n"); !strings.Contains(framed, "403") && !strings.Contains(framed, "frame-ancestors") {
		t.Errorf("the browser shows the console in a frame: %s", framed)
	}
	visit(`<form method="post" action="` + own + `/apps/bakery/delete"><input name="confirm" value="bakery"><button id="bait">Win</button></form>`)
	b.goes(chromedp.Click(chromedp.CSS("#bait")))
	b.shows("does not count as yours")
	b.do(chromedp.Navigate(own + "/"))
	b.shows("1 app on this server") // it is there, and the session is good still
}
