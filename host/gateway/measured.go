package gateway

import (
	"net/http"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// metricsPath is where the server's figures are, on the platform's host.
const metricsPath = "/metrics"

// metrics answers a scrape. How much Micros compute tells of their secrets, and when they
// do of their visitors: it is for who may see all apps.
func (g *Gateway) metrics(w http.ResponseWriter, r *http.Request) error {
	if !g.config.MetricsOpen && !g.config.Open && !g.config.Guard.Admin(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="spacewasm"`)
		return space.Errorf(space.CodeUnauthorized,
			"the figures are for who has a token that may do all: send it as `Authorization: Bearer TOKEN`")
	}
	w.Header().Set("Cache-Control", "no-store")
	g.config.Metrics.ServeHTTP(w, r)
	return nil
}

// serve has a Micro answer, and writes down how that went.
func (g *Gateway) serve(w *microWriter, r *http.Request, route registry.Route, trusted bool) error {
	usage := space.UsageOf(r.Context())
	trace := g.config.Tracer.Begin(r, trusted)
	usage.Timed = trace.Sampled()
	err := route.Server.Serve(w, r)
	status := telemetry.StatusOf(w.status, err)
	route.Meter.Served(status, usage)
	trace.End(route.Meter, status, err, usage)
	return err
}

// follows tells whether a request comes from somebody whose trace it may be part of.
func (g *Gateway) follows(r *http.Request, owner bool) bool {
	return owner || g.config.Open || g.trusted(r.RemoteAddr)
}
