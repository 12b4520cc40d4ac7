package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/scribe"
	"github.com/spacewasm/spacewasm/host/space"
)

const serveLong = `Serve apps until interrupted.

The server answers at http://DOMAIN:PORT, and each app at http://APP.DOMAIN:PORT.
Browsers and curl find *.localhost by themselves. Everything it keeps is in the
data directory; on the first start it puts an admin token there, in DIR/token,
which push and the other commands find when they run beside it.

Apps that another version of spacewasm has prepared are prepared again, those
first that somebody asks for, who is told to try again; spacewasm prepare does it
ahead.

When it accepts requests it prints a line with "ready" and its address; its log
goes to standard error. Ctrl-C or SIGTERM lets running requests finish; a second
one ends it at once.

It listens for this machine only. To serve others, put a proxy with TLS in front
(--public-url, --trusted-proxy), or give --insecure-listen with another address.

The limits hold for each Micro; the defaults are those of Deta Space. All Micros
together run 8 executions per processor at a time, within the budgets.`

const serveExample = `  spacewasm serve
  spacewasm serve --listen 127.0.0.1:8080 --data /var/lib/spacewasm
  spacewasm serve --domain apps.example.org --public-url https://apps.example.org --trusted-proxy 127.0.0.1
  spacewasm serve --timeout 5s --memory 128MiB --log-format json
  SPACEWASM_PAYLOAD=10MiB spacewasm serve`

func newServe(c *cli) *cobra.Command {
	config := host.DefaultConfig()
	config.Measure = bench.RunApart
	config.Version = c.version
	read := func() error { return nil }
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Serve apps",
		Long:    serveLong,
		Example: serveExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := read(); err != nil {
				return err
			}
			return c.serve(cmd.Context(), config)
		},
	}
	read = c.serverConfig(cmd.Flags(), &config)
	return cmd
}

// serverConfig binds a server's configuration to flags, and returns what completes
// and checks it once they are parsed.
func (c *cli) serverConfig(f *pflag.FlagSet, config *host.Config) func() error {
	var proxies []string
	var format string
	addressFlags(f, config)
	f.StringVar(&config.Data, "data", config.Data, "data directory; made when missing")
	f.StringVar(&config.KeyFile, "key-file", "",
		"the key of secrets and of the cache, made when missing; best outside the data directory (default DATA/key)")
	f.StringSliceVar(&proxies, "trusted-proxy", nil, "network (CIDR) of proxies whose word counts; may be repeated")
	f.DurationVar(&config.DrainDelay, "drain-delay", 0,
		"how long to go on after SIGTERM while /readyz says so, for a balancer in front")
	f.StringVar(&format, "log-format", "text", "text or json")
	nodeFlags(f, config)
	storageFlags(f, &config.Storage)
	f.DurationVar(&config.Sleep.Instances, "sleep", config.Sleep.Instances, "how long a Micro keeps instances that nobody asks for")
	f.DurationVar(&config.Sleep.Code, "deep-sleep", config.Sleep.Code, "how long it keeps its code and its snapshot in memory")
	f.StringVar((*string)(&config.Timing), "server-timing", string(config.Timing),
		"who learns, by the header Server-Timing, where the time of a request went: owner, all or off")
	telemetryFlags(f, config)
	limitFlags(f, &config.Limits)
	return func() error {
		var err error
		config.Traces.On = c.wantsTraces(config.Traces.Endpoint)
		if config.TrustedProxies, err = prefixes(proxies); err != nil {
			return err
		}
		if config.Logger, err = c.logger(format); err != nil {
			return err
		}
		if err := config.Check(); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// addressFlags binds where the server and its apps answer.
func addressFlags(f *pflag.FlagSet, c *host.Config) {
	f.StringVar(&c.Listen, "listen", c.Listen, "address to listen on; port 0 takes a free one")
	f.BoolVar(&c.InsecureListen, "insecure-listen", false, "allow a listen address that others can reach, without TLS")
	f.StringVar(&c.Domain, "domain", c.Domain, "the platform's host name; apps answer below it")
	f.StringVar(&c.PublicURL, "public-url", "", "what users type when a proxy stands in front")
}

// nodeFlags binds what all Micros share.
func nodeFlags(f *pflag.FlagSet, c *host.Config) {
	f.Var((*size)(&c.MemoryBudget), "memory-budget",
		"memory of all executions and requests together (default three quarters of the machine's, or of the control group's)")
	f.Var((*size)(&c.TmpBudget), "tmp-budget",
		"files in /tmp of all executions together (default as much as they may have, at most half of what is free)")
	f.IntVar(&c.Connections, "connections", c.Connections,
		"clients that may be connected at a time, at most a quarter of the files that may be open")
}

// telemetryFlags binds what operators see of the server.
func telemetryFlags(f *pflag.FlagSet, c *host.Config) {
	f.BoolVar(&c.MetricsOpen, "metrics-open", false, "let everybody who reaches the platform's host read /metrics, without the token")
	f.StringVar(&c.Traces.Endpoint, "otlp", "",
		"base URL of an OpenTelemetry collector (OTLP over HTTP) that traces go to (default OTEL_EXPORTER_OTLP_ENDPOINT; without it there are none)")
	f.Float64Var(&c.Traces.Ratio, "trace-ratio", c.Traces.Ratio, "which part of the requests is traced that are no part of a trace yet, 0 to 1")
}

// wantsTraces tells whether somebody has said where traces go; the exporter reads the
// variables itself (OpenTelemetry protocol exporter specification).
func (c *cli) wantsTraces(endpoint string) bool {
	if off, _ := c.lookupEnv("OTEL_SDK_DISABLED"); strings.EqualFold(off, "true") {
		return false
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		if value, _ := c.lookupEnv(name); value != "" {
			endpoint = value
		}
	}
	return endpoint != ""
}

// storageFlags binds what all apps share of the disk.
func storageFlags(f *pflag.FlagSet, s *host.Storage) {
	f.Var((*size)(&s.Reserve), "disk-reserve", "what stays free on the disk: below it there are no pushes, logs or files in /tmp")
	f.Lookup("disk-reserve").DefValue = "1%, at least 64MiB"
	f.Var((*size)(&s.Logs), "log-budget", "logs of all apps; the oldest go")
	f.Var((*size)(&s.Blobs), "blob-budget", "bundles of all apps, old revisions with them; 0 has no bound")
	f.Var((*size)(&s.Uploads), "upload-budget", "what all uploads at a time may have on the disk")
}

// limitFlags binds the limits of a Micro.
func limitFlags(f *pflag.FlagSet, l *space.Limits) {
	f.DurationVar(&l.Timeout, "timeout", l.Timeout, "time of one execution")
	f.Var((*size)(&l.Memory), "memory", "linear memory of one execution")
	f.Var((*size)(&l.Tmp), "tmp", "files in /tmp of one execution")
	f.Var((*size)(&l.Payload), "payload", "body of a request, and of a response")
	f.Var((*size)(&l.Bundle), "bundle", "code and assets of a Micro, packed and unpacked")
	f.Uint64Var(&l.Fuel, "fuel", l.Fuel, "what one execution may compute, in about instructions; 0 leaves that to the time")
	f.IntVar(&l.Concurrency, "concurrency", l.Concurrency, "executions of a Micro at a time")
}

func (c *cli) serve(ctx context.Context, config host.Config) error {
	h, err := c.openServer(ctx, config)
	if err != nil {
		return err
	}
	err = h.Run(ctx, func() {
		fmt.Fprintf(c.out, "ready at %s\n", h.BaseURL())
		if c.outTerminal {
			fmt.Fprintf(c.err, "  push an app from another terminal: spacewasm push DIR (the token is in %s)\n",
				filepath.Join(config.Data, "token"))
		}
	})
	return errors.Join(err, h.Close())
}

// openServer opens a server in this process, and gives it what it may have of the
// process's memory.
func (c *cli) openServer(ctx context.Context, config host.Config) (*host.Host, error) {
	h, err := host.Open(ctx, config)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, hint(err, "another program listens there: stop it, or choose another address with --listen")
	}
	if failed, ok := errors.AsType[*space.Error](err); ok && failed.Err != nil {
		// Whoever starts a server may know all of it, as there is no log to look at.
		return nil, fmt.Errorf("%s: %w", failed.Message, failed.Err)
	}
	if err != nil {
		return nil, err
	}
	if _, set := c.lookupEnv("GOMEMLIMIT"); !set { // else the runtime has it already
		debug.SetMemoryLimit(h.Shares().Heap)
	}
	if _, set := c.lookupEnv("GOGC"); !set {
		// Each request leaves some garbage in a heap that is small otherwise: collected at
		// twice the heap it would take a fifth of a busy server's time.
		const percent = 400
		debug.SetGCPercent(percent)
	}
	return h, nil
}

// logger makes the server's log, on standard error.
func (c *cli) logger(format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(scribe.New(c.err, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) })), nil
	case "json":
		return slog.New(scribe.New(c.err, func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) })), nil
	}
	return nil, usagef("--log-format is text or json, not %q", format)
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, notAddr := netip.ParseAddr(text)
			if notAddr != nil {
				return nil, usagef("--trusted-proxy %q is no network such as 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		list = append(list, p.Masked())
	}
	return list, nil
}
