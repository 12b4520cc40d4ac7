package gateway

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

//go:embed pages/login.html
var loginPage string

const (
	// On the platform's host, and then on an app's.
	loginPath  = "/login"
	logoutPage = "/logout"
	landPath   = "/__space/v0/login"
	logoutPath = "/__space/v0/logout"

	nonceTime = time.Hour // how long a browser may take to log in
	maxReturn = 2048      // bytes of a path to come back to
	maxForm   = 16 << 10  // bytes of a form
)

// sendToLogin sends a browser to the platform's login page, from where it comes back
// with a ticket that only this browser can use: to the app's built-in host, or to the
// domain of its owner's.
func (g *Gateway) sendToLogin(w http.ResponseWriter, r *http.Request, app space.AppName, domain space.Domain) {
	var nonce string
	if had := g.cookies(r, nonceCookie); len(had) > 0 {
		nonce = had[0]
	} else {
		nonce = rand.Text()
		g.setCookie(w, nonceCookie, nonce, nonceTime)
	}
	query := url.Values{"app": {string(app)}, "nonce": {digest(nonce)}, "return": {localPath(r.URL.RequestURI())}}
	if domain != "" {
		query.Set("host", string(domain))
	}
	w.Header().Set("Server", deta)
	redirect(w, g.config.BaseURL+loginPath+"?"+query.Encode())
}

// redirect sends a browser elsewhere, now and only now.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address may hold a ticket
	// Not by http.Redirect, which would make another of some paths.
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// localPath is a path on the same host, "/" for what may be none.
func localPath(p string) string {
	if len(p) > maxReturn || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsFunc(p, unfit) {
		return "/"
	}
	path, _, _ := strings.Cut(p, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." { // which browsers would take out
			return "/"
		}
	}
	return p
}

// unfit tells whether a character has no place in the path of a header.
func unfit(r rune) bool { return r == '\\' || r <= ' ' || r >= 0x7f }

// platform answers what of an app's place is the platform's.
func (g *Gateway) platform(w http.ResponseWriter, r *http.Request, app *registry.App, at place) error {
	switch {
	case r.URL.Path == landPath && r.Method == http.MethodGet:
		return g.landAt(w, r, g.audience(app.App, at))
	case r.URL.Path == logoutPath && r.Method == http.MethodPost:
		return g.endSession(w, r)
	case r.URL.Path == runsPath && g.config.Runs != nil:
		return g.runs(w, r, app, at)
	}
	return space.Errorf(space.CodeNotFound, "paths below /__space belong to the platform; there is none here")
}

// endSession ends the session of the request's host, and then the platform's.
func (g *Gateway) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := g.crossOrigin.Check(r); err != nil {
		return &space.Error{Code: space.CodeForbidden, Message: "another site asked for the end of the session", Err: err}
	}
	g.setCookie(w, sessionCookie, "", 0)
	// The platform's own session would let the browser in again.
	redirect(w, g.config.BaseURL+logoutPage)
	return nil
}

// landAt takes the ticket of a browser that comes from the login page, for a session at
// an audience.
func (g *Gateway) landAt(w http.ResponseWriter, r *http.Request, audience string) error {
	var nonce string
	if had := g.cookies(r, nonceCookie); len(had) > 0 {
		nonce = digest(had[0])
	}
	to := localPath(r.URL.Query().Get("return"))
	token, ok := g.config.Logins.Redeem(r.URL.Query().Get("ticket"), audience, nonce)
	if _, already := g.session(r, audience); !ok && already { // by another tab
		redirect(w, to)
		return nil
	}
	if !ok {
		return space.Errorf(space.CodeBadRequest,
			"this login is used up, older than a minute, or was begun in another browser: open the page again, and do not copy the address")
	}
	g.setCookie(w, nonceCookie, "", 0)
	g.setCookie(w, sessionCookie, g.config.Logins.Session(token, audience), g.config.Logins.SessionTime())
	redirect(w, to)
	return nil
}

// logout ends the session at the platform. A link may do it: the worst is another login.
func (g *Gateway) logout(w http.ResponseWriter, r *http.Request) error {
	g.setCookie(w, sessionCookie, "", 0)
	return g.showLogin(w, r, loginForm{}, http.StatusOK)
}

// loginForm is what the page asks, and what it shows.
type loginForm struct {
	App, Nonce, Return string
	Host               string // the app's domain that it is for, "" for its built-in host
	Wrong              string // why the last try failed
	Console            bool   // the app is the console
}

// newLoginForm takes of what a browser sends what makes a form.
func newLoginForm(values url.Values) loginForm {
	return loginForm{App: values.Get("app"), Nonce: values.Get("nonce"), Return: values.Get("return"), Host: values.Get("host")}
}

// login is the platform's login page.
func (g *Gateway) login(w http.ResponseWriter, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		form := newLoginForm(r.URL.Query())
		if token, ok := g.session(r, g.platformAudience()); ok {
			return g.sendBack(w, token, form)
		}
		return g.showLogin(w, r, form, http.StatusOK)
	case http.MethodPost:
		return g.logIn(w, r)
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return space.Errorf(space.CodeMethodNotAllowed, "%s is not possible at %s", r.Method, loginPath)
}

// logIn takes the form.
func (g *Gateway) logIn(w http.ResponseWriter, r *http.Request) error {
	if err := g.crossOrigin.Check(r); err != nil {
		return &space.Error{Code: space.CodeForbidden, Message: "the form was sent by another site", Err: err}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &space.Error{Code: space.CodeBadRequest, Message: "the form cannot be read", Err: err}
	}
	form := newLoginForm(r.PostForm)
	client := g.client(r)
	if wait, ok := g.config.Attempts.May(client); !ok {
		seconds := int(wait/time.Second) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		form.Wrong = fmt.Sprintf("Too many wrong tokens. Try again in %d seconds.", seconds)
		w.Header().Set("X-Space-Error", string(space.CodeTooManyAttempts))
		return g.showLogin(w, r, form, space.CodeTooManyAttempts.Status())
	}
	token, ok := g.config.Guard.Owner(strings.TrimSpace(r.PostForm.Get("token")))
	if !ok {
		g.config.Attempts.Failed(client)
		form.Wrong = "This is not an admin token of the server."
		w.Header().Set("X-Space-Error", string(space.CodeUnauthorized))
		return g.showLogin(w, r, form, http.StatusUnauthorized)
	}
	g.setCookie(w, sessionCookie, g.config.Logins.Session(token, g.platformAudience()), g.config.Logins.SessionTime())
	return g.sendBack(w, token, form)
}

// sendBack sends who has logged in to the app that wanted it, with a ticket.
func (g *Gateway) sendBack(w http.ResponseWriter, token string, form loginForm) error {
	if form.App == "" {
		redirect(w, localPath(form.Return))
		return nil
	}
	at, err := g.placeOf(form)
	if err != nil {
		return err
	}
	audience, err := g.audienceOf(at)
	if err != nil {
		return err
	}
	query := url.Values{
		"ticket": {g.config.Logins.Ticket(token, audience, form.Nonce)}, "return": {localPath(form.Return)},
	}
	redirect(w, strings.TrimSuffix(g.address(at), "/")+landPath+"?"+query.Encode())
	return nil
}

// audienceOf is where the session counts that a login is for: an app, or the console.
func (g *Gateway) audienceOf(at place) (string, error) {
	if g.isConsole(at.app) {
		return g.consoleAudience(), nil
	}
	app, release, ok := g.acquire(at)
	if !ok {
		return "", space.Errorf(space.CodeNotFound, "the app that wanted you to log in is not here any more")
	}
	defer release()
	return g.audience(app.App, at), nil
}

// showLogin shows the page. Its form may lead to the app that wants the login, and
// nowhere else.
func (g *Gateway) showLogin(w http.ResponseWriter, r *http.Request, form loginForm, status int) error {
	target := ""
	if form.App != "" {
		form.Console = g.isConsole(space.AppName(form.App))
		if _, err := space.ParseAppName(form.App); err != nil && !form.Console {
			return space.Errorf(space.CodeBadRequest, "%v", err)
		}
		at, err := g.placeOf(form)
		if err != nil {
			return err
		}
		target = " " + strings.TrimSuffix(g.address(at), "/")
	}
	page, err := template.New("login").Parse(loginPage)
	if err != nil {
		return space.Internal(err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+target)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := page.Execute(w, form); err != nil {
		return &space.Error{Code: space.CodeClientGone, Message: "the visitor left", Committed: true, Err: err}
	}
	return nil
}

// client is who guesses: the peer, or whom a trusted proxy names last.
func (g *Gateway) client(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	addr := peer.Addr().Unmap()
	if !g.trusted(r.RemoteAddr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		text := strings.TrimSpace(hops[i])
		hop, err := netip.ParseAddr(text)
		if withPort, portErr := netip.ParseAddrPort(text); err != nil && portErr == nil {
			hop, err = withPort.Addr(), nil
		}
		if err != nil {
			break
		}
		addr = hop.Unmap()
		if !g.isTrusted(addr) {
			break
		}
	}
	return addr
}
