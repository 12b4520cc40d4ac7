package gateway

import (
	"net/http"

	"github.com/spacewasm/spacewasm/host/space"
)

// Timing says who learns where the time of a request went.
type Timing string

// Those who may learn it.
const (
	// TimingOwner is who sends an admin token, or has logged in.
	TimingOwner Timing = "owner"
	TimingAll   Timing = "all"
	TimingOff   Timing = "off"
)

// Timings are all that there are.
func Timings() []Timing { return []Timing{TimingOwner, TimingAll, TimingOff} }

// timed marks a request whose client may learn it.
func (g *Gateway) timed(r *http.Request, owner bool) *http.Request {
	if g.config.Timing == TimingAll || g.config.Timing == TimingOwner && owner {
		return r.WithContext(space.WithTiming(r.Context()))
	}
	return r
}
