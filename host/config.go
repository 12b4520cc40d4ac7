package host

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/disk"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// Config is what a server is made of.
type Config struct {
	// Listen is the address to listen on, host:port; port 0 takes a free one.
	Listen string
	// InsecureListen allows an address that others can reach, where what they send,
	// tokens among it, can be read and changed on the way.
	InsecureListen bool
	// Data is the data directory; it is made when missing.
	Data string
	// KeyFile holds the key of what is sealed and signed, and is made when missing; "" is
	// the file key of the data directory.
	KeyFile string
	// Domain is the platform's host name; apps answer below it.
	Domain string
	// PublicURL is what users type when a proxy stands in front; "" without one.
	PublicURL string
	// TrustedProxies may say who the client is and how it came.
	TrustedProxies []netip.Prefix
	// Limits hold for each Micro.
	Limits space.Limits
	// MemoryBudget is for the instances and the bodies of requests of all Micros
	// together, in bytes; 0 is three quarters of the machine's memory, or of the
	// control group's.
	MemoryBudget int64
	// TmpBudget is for the files in /tmp of all executions together, in bytes; 0 is
	// what as many as there may be can have, but no more than half of what is free.
	TmpBudget int64
	// Connections is how many clients may be connected at a time, but no more than a
	// quarter of the files that may be open.
	Connections int
	// Storage is for all of them together.
	Storage Storage
	// Sleep says when Micros sleep.
	Sleep runner.Sleep
	// Timing says who learns where the time of a request went.
	Timing gateway.Timing
	// DrainDelay is how long the server still takes requests once it is to end and
	// says so to probers, for a balancer in front to look elsewhere; 0 ends at once.
	DrainDelay time.Duration
	// Checks say why the server is not ready, nil while it is; each is asked at
	// every probe, by several goroutines.
	Checks []func() error
	// MetricsOpen lets everybody who reaches the platform read /metrics.
	MetricsOpen bool
	// Traces says where traces go.
	Traces telemetry.Traces
	// Measure measures how Micros begin when their owner asks for it; nil has nobody ask.
	Measure coldstart.Measure
	// Dev makes it the server of one developer; nil is a server for others.
	Dev     *Dev
	Version string
	// Logger is the server's own log. One of a [scribe.Handler] is run with the server.
	Logger *slog.Logger
}

// Dev is what a developer's own server has. Everybody who reaches it counts as the
// owner.
type Dev struct {
	// Trouble says why an app is not to be asked: a build that failed; nil while it is.
	Trouble func(space.AppName) error
}

// traceRatio is which part of the requests is followed unless somebody says otherwise.
const traceRatio = 0.1

// DefaultConfig returns the configuration of a server for its own machine.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:4200",
		Data:   "./spacewasm-data",
		Domain: "localhost",
		Limits: space.DefaultLimits(),
		Storage: Storage{
			Reserve: disk.Auto, Logs: logs.DefaultConfig("").MaxTotal, Uploads: deploy.DefaultUploadBytes,
		},
		Sleep:       runner.DefaultSleep(),
		Timing:      gateway.TimingOwner,
		Traces:      telemetry.Traces{Ratio: traceRatio},
		Logger:      slog.Default(),
		Connections: 4096,
	}
}

// Check refuses a configuration that cannot work, or that is not safe unless it
// is wanted. [Open] checks too.
func (c *Config) Check() error {
	if err := c.checkListen(); err != nil {
		return err
	}
	if c.DrainDelay < 0 {
		return errors.New("drain delay: want 0 or more")
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
	if c.MemoryBudget < 0 || c.TmpBudget < 0 {
		return errors.New("memory-budget and tmp-budget: want 0, which leaves the choice to the server, or more")
	}
	if c.Connections < 1 {
		return errors.New("connections: want at least 1")
	}
	if c.Sleep.Instances <= 0 || c.Sleep.Code <= 0 {
		return errors.New("sleep and deep-sleep: want more than 0")
	}
	if !slices.Contains(gateway.Timings(), c.Timing) {
		return fmt.Errorf("server-timing: %q is none of owner, all and off", c.Timing)
	}
	if !(c.Traces.Ratio >= 0 && c.Traces.Ratio <= 1) { // nor NaN
		return errors.New("trace-ratio: want 0 to 1")
	}
	if e := c.Traces.Endpoint; e != "" {
		u, err := url.Parse(e)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil {
			return fmt.Errorf("otlp: %q is no base URL of a collector, such as http://127.0.0.1:4318", e)
		}
	}
	if err := c.Storage.check(); err != nil {
		return err
	}
	return checkLimits(c.Limits)
}

// checkListen refuses an address that others can reach, unless that is wanted.
func (c *Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen address %q: want host:port, for example 127.0.0.1:4200", c.Listen)
	}
	if c.InsecureListen || isLoopback(host) {
		return nil
	}
	return beyondLoopback(c.Listen)
}

// isLoopback tells whether a listen address is this machine's alone by its text.
// A name but localhost may mean anything, and no host means all there are.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && addr.Unmap().IsLoopback())
}

func beyondLoopback(listen string) error {
	return fmt.Errorf("listen address %q: others can reach it, and there is no TLS: whoever sees the traffic sees the admin token; "+
		"listen on 127.0.0.1 and put a proxy with TLS in front, or allow it with --insecure-listen", listen)
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
