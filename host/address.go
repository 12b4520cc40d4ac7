package host

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/spacewasm/spacewasm/host/space"
)

// BaseURL is the platform's address as its users type it.
func (h *Host) BaseURL() string {
	u := h.base()
	return u.String()
}

// URL is an app's address as its visitors type it.
func (h *Host) URL(app space.AppName) string {
	u := h.base()
	u.Host = h.hostname(app)
	u.Path = "/"
	return u.String()
}

func (h *Host) base() url.URL {
	if h.config.PublicURL != "" {
		// It has been checked.
		if u, err := url.Parse(h.config.PublicURL); err == nil {
			return url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
		}
	}
	return url.URL{Scheme: "http", Host: joinPort(h.config.Domain, h.port())}
}

// hostname is an app's host, with a port that is not the scheme's own. With a
// public URL the apps answer below its host.
func (h *Host) hostname(app space.AppName) string {
	base := h.base()
	return string(app) + "." + base.Host
}

// onLoopback tells whether only this machine can reach the listener.
func (h *Host) onLoopback() bool {
	addr, ok := h.door.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// port is the one that is listened on, or will be.
func (h *Host) port() string {
	address := h.config.Listen
	if h.door != nil {
		address = h.door.Addr().String()
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}

// domains are the hosts that the platform answers to.
func (h *Host) domains() []string {
	base := h.base()
	public := base.Hostname()
	if public == h.config.Domain {
		return []string{public}
	}
	return []string{h.config.Domain, public}
}

func joinPort(host, port string) string {
	if port == "80" || port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// phase is how far the server's life has come.
type phase int32

const (
	starting phase = iota
	serving
	draining
)

// state is the server's phase, for the readiness probe.
type state struct {
	phase  atomic.Int32
	checks []func() error // what else has to be well
}

// advance goes on to a later phase; there is no way back.
func (s *state) advance(to phase) {
	for {
		now := s.phase.Load()
		if now >= int32(to) || s.phase.CompareAndSwap(now, int32(to)) {
			return
		}
	}
}

// starting tells whether apps are still being restored.
func (s *state) starting() bool { return phase(s.phase.Load()) == starting }

// ready is nil while requests are welcome.
func (s *state) ready() error {
	switch phase(s.phase.Load()) {
	case serving:
	case draining:
		return errors.New("draining")
	default:
		return errors.New("starting")
	}
	for _, check := range s.checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
