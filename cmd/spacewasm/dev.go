package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

const devLong = `Serves one project while you work on it: builds it, puts it live, and does so
again whenever one of its files changes. All of its Micros answer at one address.

The commands of a Micro run when a file in its folder has changed, all of them
when one has that is in no Micro's folder, such as the Spacefile: any file may be one
that they read, data too. A Micro without commands is swapped when its module or
its files change. Requests are answered by what was built last; while a build has
failed, the browser shows why. A change during a build ends its commands and begins
again; what a build writes is no change.

Requests, and what the Micros write to their logs, appear in the terminal. Who
reaches the server counts as the owner, but for other sites in a browser: private
Micros and Scheduled Actions answer, so it listens on this machine only. Other
commands need no token for it: "spacewasm actions run APP ID --server URL", where URL
is http://localhost and its port.

A variable that the Spacefile declares gets its value from your environment, or from
a file .env, before its default.

What was compiled is kept in your cache folder, so that the next start is quick.`

// ports is how many ports are tried from the one that is asked for.
const ports = 100

func newDev(c *cli) *cobra.Command {
	var listen string
	var open bool
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Serve a project while you work on it",
		Long:  devLong,
		Example: `  spacewasm dev                    # the project in this folder
  spacewasm dev shop --open        # and its page in a browser
  TOKEN=x spacewasm dev            # with a variable that it declares`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return c.dev(cmd.Context(), dir, listen, cmd.Flags().Changed("listen"), open)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", host.DefaultConfig().Listen, "address on this machine; unless it is given, the next free port will do")
	cmd.Flags().BoolVar(&open, "open", false, "open a browser once the app answers")
	return cmd
}

// developing is a project under work, and the server that shows it.
type developing struct {
	*cli
	dir  string
	name space.AppName
	out  *screen // the terminal, which several write to
	api  *session
	open bool

	trouble atomic.Pointer[space.Error] // why the app is not to be asked
	outputs *project.Outputs
	values  map[string]*string // of variables, as they were set last; nil if not yet
	began   time.Time
	built   bool // once, at least
}

func (c *cli) dev(ctx context.Context, dir, listen string, fixed, open bool) error {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the project: %w", err)
	}
	if info, err := os.Stat(absolute); err != nil || !info.IsDir() {
		return hint(fmt.Errorf("%s is no folder", dir), "name the folder of a project; `spacewasm new DIR` makes one")
	}
	name, err := pushName("", filepath.Base(absolute))
	if err != nil {
		return hint(err, "give the folder a name that an app can have")
	}
	d := &developing{cli: c, dir: absolute, name: name, out: &screen{out: c.err}, open: open, outputs: project.NewOutputs(absolute), began: time.Now()}
	// Until there is something to ask, or it shows that there is from an earlier start.
	d.trouble.Store(space.Errorf(space.CodePreparing, "the project is being built for the first time; try again in a moment"))
	config, err := d.config(listen)
	if err != nil {
		return err
	}
	h, err := c.openNear(ctx, config, fixed)
	if _, taken := errors.AsType[*store.InUseError](err); taken {
		return hint(fmt.Errorf("%s is served by another spacewasm dev", absolute), "look for it in another terminal, and stop it or go on there")
	}
	if err != nil {
		return err
	}
	return errors.Join(d.run(ctx, h, config.Data), h.Close())
}

// config is that of a server for the project alone.
func (d *developing) config(listen string) (host.Config, error) {
	config := host.DefaultConfig()
	config.Measure = bench.RunApart
	cache, err := os.UserCacheDir()
	if err != nil {
		return config, fmt.Errorf("find the folder for caches: %w", err)
	}
	sum := sha256.Sum256([]byte(d.dir))
	config.Data = filepath.Join(cache, "spacewasm", "dev", string(d.name)+"-"+hex.EncodeToString(sum[:6]))
	config.Listen, config.Version = listen, d.version
	config.Logger = devLogger(d.out, d.name)
	config.Dev = &host.Dev{Trouble: func(app space.AppName) error {
		if trouble := d.trouble.Load(); trouble != nil && app == d.name {
			return trouble
		}
		return nil
	}}
	if err := config.Check(); err != nil {
		return config, usageError{err}
	}
	return config, nil
}

// openNear opens a server on the address, or on one of the next ports if that is taken
// and not fixed.
func (c *cli) openNear(ctx context.Context, config host.Config, fixed bool) (*host.Host, error) {
	base, text, err := net.SplitHostPort(config.Listen)
	if err != nil {
		return nil, err // which has been checked
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, usagef("--listen %q: want a number as the port", config.Listen)
	}
	for next := port; ; next++ {
		config.Listen = net.JoinHostPort(base, strconv.Itoa(next))
		h, err := c.openServer(ctx, config)
		if fixed || next == port+ports || !errors.Is(err, syscall.EADDRINUSE) {
			return h, err
		}
	}
}

// run serves until ctx ends.
func (d *developing) run(ctx context.Context, h *host.Host, data string) error {
	group, running := errgroup.WithContext(ctx)
	ready := make(chan struct{})
	group.Go(func() error { return h.Run(running, func() { close(ready) }) })
	group.Go(func() error {
		select {
		case <-ready:
		case <-running.Done():
			return nil
		}
		err := d.connect(running, h.BaseURL(), data)
		if err == nil {
			_, err = fmt.Fprintf(d.cli.out, "ready at %s\n", h.URL(d.name))
		}
		if err == nil {
			err = d.work(running)
		}
		if running.Err() != nil {
			return nil //nolint:nilerr // it was asked to end, or the server has failed
		}
		return err
	})
	return group.Wait()
}

// connect makes a client of the server, as its owner. What was live when it ran last
// answers until the project is built.
func (d *developing) connect(ctx context.Context, base, data string) error {
	address, err := client.ParseServer(base)
	if err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(data, "token"))
	if err != nil {
		return fmt.Errorf("read the server's token: %w", err)
	}
	api, err := client.New(address, strings.TrimSpace(string(token)))
	if err != nil {
		return err
	}
	d.api = &session{Client: api, token: foundToken{source: data}}
	if _, err := d.api.App(ctx, d.name); err == nil {
		d.trouble.Store(nil)
	}
	return nil
}
