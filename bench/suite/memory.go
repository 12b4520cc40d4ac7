package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// node is a spacewasm server whose memory is measured.
type node struct {
	s             settings
	dir, address  string
	cmd           *exec.Cmd
	ready         time.Duration // from its start
	sleep, deeper string
}

// begin starts the server on the data it has.
func (n *node) begin(ctx context.Context) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	n.cmd = command(ctx, n.dir, filepath.Join(n.s.root, "bin/spacewasm"), "serve", "--listen", n.address,
		"--data", filepath.Join(n.dir, "data"), "--sleep", n.sleep, "--deep-sleep", n.deeper)
	began := time.Now()
	if err := start(ctx, n.cmd, n.address); err != nil {
		return err
	}
	for { // until all apps are there
		resp, err := http.Get("http://" + n.address + "/readyz") //nolint:noctx // it is this machine
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode == http.StatusOK {
			n.ready = time.Since(began)
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// again starts the server anew, with other times after which Micros sleep.
func (n *node) again(ctx context.Context, sleep, deeper string) error {
	n.sleep, n.deeper = sleep, deeper
	return errors.Join(stop(n.cmd), n.begin(ctx))
}

// push deploys a module.
func (n *node) push(ctx context.Context, app, media string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+n.address+"/api/v1/apps/"+app, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("Authorization", "Bearer "+token(filepath.Join(n.dir, "data")))
	return answer(r, http.StatusCreated)
}

// ask wakes an app.
func (n *node) ask(ctx context.Context, app string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.address+"/", nil)
	if err != nil {
		return err
	}
	r.Host = app + ".localhost"
	return answer(r, http.StatusOK)
}

func answer(r *http.Request, want int) error {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %d %s", r.Method, r.Host, resp.StatusCode, text)
	}
	return err
}

// resident is the server's memory, in bytes.
func (n *node) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var all, pages float64
	_, err = fmt.Sscan(string(text), &all, &pages)
	return pages * float64(os.Getpagesize()), err
}

// settle is what the server's memory comes down to.
func (n *node) settle() (least float64, err error) {
	const looks, pause = 10, 500 * time.Millisecond
	for range looks {
		time.Sleep(pause)
		now, err := n.resident()
		if err != nil {
			return 0, err
		}
		if least == 0 || now < least {
			least = now
		}
	}
	return least, nil
}

const (
	soon, never = "200ms", "10h"
	gophers     = 10
)

// memory measures what Micros cost the server, at each depth of sleep, and how that
// grows.
func (s settings) memory(ctx context.Context, dir string, r *report) error {
	if s.only != "" && !strings.Contains(nameOurs, s.only) {
		return nil
	}
	return errors.Join(s.depths(ctx, filepath.Join(dir, "depths"), r), s.growth(ctx, filepath.Join(dir, "growth"), r))
}

// depths measures Micros in Go, each with a module of its own.
func (s settings) depths(ctx context.Context, dir string, r *report) (err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	n := &node{s: s, dir: dir, address: address, sleep: soon, deeper: soon}
	defer func() { err = errors.Join(err, stop(n.cmd)) }()
	if err := n.begin(ctx); err != nil {
		return err
	}
	module, err := os.ReadFile(filepath.Join(s.root, "examples/hello/main.wasm"))
	if err != nil {
		return err
	}
	say("pushing %d Micros in Go", gophers)
	for i := range gophers {
		if err := n.push(ctx, fmt.Sprint("go", i), "application/wasm", distinct(module, i)); err != nil {
			return err
		}
	}
	var at [3]float64
	for depth, sleep := range [][2]string{{soon, soon}, {soon, never}, {never, never}} {
		if err := n.again(ctx, sleep[0], sleep[1]); err != nil {
			return err
		}
		for i := range gophers {
			if err := n.ask(ctx, fmt.Sprint("go", i)); err != nil {
				return err
			}
		}
		if at[depth], err = n.settle(); err != nil {
			return err
		}
		say("%d Micros in Go, %s: %.0f MiB resident", gophers, depthNames()[depth], at[depth]/(1<<20))
	}
	r.depths = at
	return nil
}

// depthNames name the depths of sleep, from the deepest.
func depthNames() [3]string {
	return [3]string{"in deep sleep (nothing in memory)", "dozing (code and snapshot)", "active (and an instance)"}
}

// distinct is a module with a custom section of its own, so that it is another.
func distinct(module []byte, i int) []byte {
	section := []byte{0, 7, 2, 'n', 'o', 0, 0, 0, 0}
	binary.LittleEndian.PutUint32(section[len(section)-4:], uint32(i))
	return append(bytes.Clone(module), section...)
}

const bundleFile = `v: 0
micros:
  - {name: a, src: a, engine: wasm, primary: true, public: true}
  - {name: b, src: b, engine: wasm, public: true}
  - {name: c, src: c, engine: wasm, public: true}
  - {name: d, src: d, engine: wasm, public: true}
  - {name: e, src: e, engine: wasm, public: true}
`

// growth measures many Micros that sleep: what they cost in memory, and at a start.
func (s settings) growth(ctx context.Context, dir string, r *report) (err error) {
	module, err := os.ReadFile(filepath.Join(s.root, "examples/hello-c/main.wasm"))
	if err != nil {
		return err
	}
	const each = 5
	bundle, err := bundled(module)
	if err != nil {
		return err
	}
	for _, count := range s.apps {
		address, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		n := &node{s: s, dir: filepath.Join(dir, strconv.Itoa(count)), address: address, sleep: soon, deeper: soon}
		err = n.begin(ctx)
		for i := 0; i < count/each && err == nil; i++ {
			err = n.push(ctx, fmt.Sprint("app", i), "application/zip", bundle)
		}
		if err == nil {
			err = n.again(ctx, soon, soon)
		}
		g := grown{micros: count, ready: n.ready}
		if err == nil {
			g.resident, err = n.settle()
		}
		if err = errors.Join(err, stop(n.cmd)); err != nil {
			return err
		}
		say("%d Micros asleep: %.0f MiB resident, ready after %v", count, g.resident/(1<<20), g.ready)
		r.growth = append(r.growth, g)
	}
	return nil
}

// bundled is an app of five Micros of one module.
func bundled(module []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, content []byte) error {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	}
	err := add("Spacefile", []byte(bundleFile))
	for _, folder := range []string{"a", "b", "c", "d", "e"} {
		err = errors.Join(err, add(folder+"/main.wasm", module))
	}
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}
