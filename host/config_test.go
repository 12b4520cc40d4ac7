package host_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host"
)

// T18: what others can reach is listened on only if that is wanted.
func TestListenBeyondLoopback(t *testing.T) {
	for listen, loopback := range map[string]bool{
		"127.0.0.1:4200": true, "127.1.2.3:0": true, "[::1]:4200": true, "localhost:4200": true, "LOCALHOST:4200": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:4200": false, "[::]:4200": false, ":4200": false, "192.0.2.1:4200": false, "[fe80::1%eth0]:4200": false,
		"example.org:4200": false, "localhost.example.org:1": false, "127.0.0.1.example.org:1": false, "[::ffff:192.0.2.1]:1": false,
	} {
		config := host.DefaultConfig()
		config.Listen = listen
		err := config.Check()
		if (err == nil) != loopback {
			t.Errorf("%s: %v", listen, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "--insecure-listen") || !strings.Contains(err.Error(), "proxy")) {
			t.Errorf("%s: %v does not say what to do", listen, err)
		}
		config.InsecureListen = true
		if err := config.Check(); err != nil {
			t.Errorf("%s, which is wanted: %v", listen, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for name, change := range map[string]func(*host.Config){
		"no port":            func(c *host.Config) { c.Listen, c.InsecureListen = "0.0.0.0", true },
		"drain delay":        func(c *host.Config) { c.DrainDelay = -time.Second },
		"domain":             func(c *host.Config) { c.Domain = "Example.org" },
		"public URL":         func(c *host.Config) { c.PublicURL = "example.org" },
		"path in an URL":     func(c *host.Config) { c.PublicURL = "https://example.org/x" },
		"memory":             func(c *host.Config) { c.Limits.Memory = 1 },
		"executions at once": func(c *host.Config) { c.Limits.Concurrency = 0 },
	} {
		config := host.DefaultConfig()
		change(&config)
		if config.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
