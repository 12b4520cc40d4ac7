package host

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"

	"github.com/spacewasm/spacewasm/host/space"
)

// Config is what a server is made of.
type Config struct {
	// Listen is the address to listen on, host:port; port 0 takes a free one.
	Listen string
	// Data is the data directory; it is made when missing.
	Data string
	// Domain is the platform's host name; apps answer below it.
	Domain string
	// PublicURL is what users type when a proxy stands in front; "" without one.
	PublicURL string
	// TrustedProxies may say who the client is and how it came.
	TrustedProxies []netip.Prefix
	// Limits hold for each Micro.
	Limits  space.Limits
	Version string
	Logger  *slog.Logger
}

// DefaultConfig returns the configuration of a server for its own machine.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:4200",
		Data:   "./spacewasm-data",
		Domain: "localhost",
		Limits: space.DefaultLimits(),
		Logger: slog.Default(),
	}
}

// Check refuses a configuration that cannot work, or that is not safe yet. [Open]
// checks too.
func (c *Config) Check() error {
	if err := loopback(c.Listen); err != nil {
		return err
	}
	if !regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?$`).MatchString(c.Domain) {
		return fmt.Errorf("domain %q: want a host name in lower case", c.Domain)
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || (u.Path != "" && u.Path != "/") {
			return fmt.Errorf("public URL %q: want http(s)://host[:port]", c.PublicURL)
		}
	}
	return checkLimits(c.Limits)
}

// loopback refuses addresses that others can reach: until the sandbox is our own,
// the server is for its own machine only.
func loopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("listen address %q: want host:port, for example 127.0.0.1:4200", listen)
	}
	if addr, err := netip.ParseAddr(host); host == "localhost" || (err == nil && addr.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("listen address %q: this version listens on loopback only (127.0.0.1, [::1], localhost); "+
		"to serve others, put a proxy in front of it", listen)
}

func checkLimits(l space.Limits) error {
	const page = 64 << 10
	switch {
	case l.Timeout <= 0:
		return errors.New("timeout: want more than 0")
	case l.Memory < page || l.Memory > 4<<30:
		return errors.New("memory: want 64KiB to 4GiB, all that a 32-bit linear memory has")
	case l.Tmp < 0 || l.Payload < 0:
		return errors.New("tmp and payload: want 0 or more")
	case l.Bundle <= 0:
		return errors.New("bundle: want more than 0")
	case l.Concurrency < 1:
		return errors.New("concurrency: want at least 1")
	}
	return nil
}
