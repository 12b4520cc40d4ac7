package gateway

import (
	"net/http"

	"github.com/spacewasm/spacewasm/host/space"
)

// Timing says who learns where the time of a request went.
type Timing string

// Those who may learn it.
const (
	// TimingOwner is who sends the admin token.
	TimingOwner Timing = "owner"
	TimingAll   Timing = "all"
	TimingOff   Timing = "off"
)

// Timings are all that there are.
func Timings() []Timing { return []Timing{TimingOwner, TimingAll, TimingOff} }

// timed marks a request whose client may learn it.
func (g *Gateway) timed(r *http.Request) *http.Request {
	if g.config.Timing == TimingAll || g.config.Timing == TimingOwner && g.config.Guard.Admin(r) {
		return r.WithContext(space.WithTiming(r.Context()))
	}
	return r
}
