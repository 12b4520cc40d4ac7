package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// maxNear bounds the apps that the page for an unknown app names.
const maxNear = 3

// unknownApp is the error of a request for an app that is not there: it says what
// is likely wrong. label is the first label of the request's host.
func (g *Gateway) unknownApp(r *http.Request, label string) error {
	name, err := space.ParseAppName(label)
	if err != nil {
		return space.Errorf(space.CodeNotFound, "there is no such app: %v", err)
	}
	hint := ""
	if near := g.near(r, name); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return space.Errorf(space.CodeNotFound, "there is no app %q here%s\n"+
		"Was it removed, or never pushed to this server? Its owner sees with `spacewasm ls` what is there, "+
		"and puts it live with `spacewasm push --app %s`", name, hint, name)
}

// near lists the hosts of apps whose names are almost the one that was typed.
// Visitors are told of public apps only.
func (g *Gateway) near(r *http.Request, name space.AppName) []string {
	admin := g.config.Guard.Admin(r)
	var hosts []string
	for _, app := range g.config.Registry.Apps() {
		if (admin || isPublic(app)) && alike(string(name), string(app.App.Name)) && len(hosts) < maxNear {
			hosts = append(hosts, string(app.App.Name)+r.Host[len(name):]) // the domain as it was typed
		}
	}
	return hosts
}

// isPublic tells whether everybody may see an app's front page.
func isPublic(app *registry.App) bool {
	return slices.ContainsFunc(app.Routes, func(route registry.Route) bool {
		return route.Micro.Path == "/" && route.Micro.Public
	})
}

// alike tells whether two names differ by a slip of the hand: by one letter that
// is missing, added, wrong or swapped with the next, or by two in a long name.
func alike(a, b string) bool {
	most := min(2, max(len(a), len(b))/4+1)
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return false
	}
	return distance(a, b) <= most
}

// distance is the optimal string alignment distance of two names.
func distance(a, b string) int {
	row := func(i int) []int {
		r := make([]int, len(b)+1)
		r[0] = i
		return r
	}
	last, previous := row(0), row(0)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current := row(i)
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], last[j-2]+1)
			}
		}
		last, previous = previous, current
	}
	return previous[len(b)]
}

// unknownPath is the error of a path at which no Micro answers. It tells of the
// Micros that the client may ask.
func (g *Gateway) unknownPath(r *http.Request, app *registry.App) error {
	admin := g.config.Guard.Admin(r)
	var paths []string
	for _, route := range app.Routes {
		if admin || route.Micro.Public {
			paths = append(paths, route.Micro.Path)
		}
	}
	if len(paths) == 0 {
		return space.Errorf(space.CodeNotFound, "no Micro of the app answers at this path")
	}
	slices.Sort(paths)
	return space.Errorf(space.CodeNotFound, "no Micro of the app answers at this path; there is one at %s", strings.Join(paths, " and "))
}
