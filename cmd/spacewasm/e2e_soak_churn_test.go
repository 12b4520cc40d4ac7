package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// admin sends a request to the platform.
func (s *soak) admin(method, path, media string, body []byte) (answer, error) {
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", media)
	return s.try(req)
}

func (s *soak) push(app, media string, body []byte) (answer, error) {
	a, err := s.admin(http.MethodPut, "/api/v1/apps/"+app, media, body)
	if err == nil {
		err = a.plausible()
	}
	return a, err
}

func (s *soak) remove(app string) answer {
	a, err := s.admin(http.MethodDelete, "/api/v1/apps/"+app, "", nil)
	if err != nil {
		a.body = err.Error()
	}
	return a
}

// swapped is an app that is replaced again and again by one that differs in all
// of its files.
type swapped struct {
	*soak
	revision atomic.Int64
}

func (w *swapped) push() error {
	next := fmt.Sprint(w.revision.Load() + 1)
	a, err := w.soak.push("swap", "application/zip", zipped(w.t, map[string]string{
		"main.wasm": string(read(w.t, probe(w.t))), "one": next, "two": next,
	}))
	if err != nil {
		return err
	}
	var d deployed
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || fmt.Sprint(d.Revision) != next {
		return a.wrong("push", "revision "+next)
	}
	w.revision.Add(1)
	return nil
}

// look asks for the revision, which is one throughout, and not an old one.
func (w *swapped) look() error {
	least := w.revision.Load()
	a, err := w.ask("swap", "GET", fmt.Sprint("/whole?ms=", rand.IntN(200)), nil)
	if errors.Is(err, errBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	var version, one, two int64
	if _, err := fmt.Sscan(a.body, &version, &one, &two); err != nil || version != one || one != two || one < least {
		return a.wrong("/whole", fmt.Sprintf("one revision, at least %d", least))
	}
	return nil
}

// comeAndGo pushes a module that was never compiled, and removes it again. The
// child that compiles it may be the one that [soak.killChild] ends.
func (s *soak) comeAndGo() error {
	fresh := append(guest("hello"), 0, 5, 1, 'm')
	fresh = append(fresh, []byte(fmt.Sprintf("%03x", rand.IntN(1<<12)))...)
	a, err := s.push("mortal", "application/wasm", fresh)
	killed := a.status == http.StatusInternalServerError && strings.Contains(a.body, "ended from outside")
	if err != nil || killed {
		return err
	}
	if a.status != http.StatusCreated {
		return a.wrong("push", "201")
	}
	if err := s.wants("mortal", "GET", "/", "", "hello\n"); err != nil && !errors.Is(err, errBusy) {
		return err
	}
	if a := s.remove("mortal"); a.status != http.StatusNoContent {
		return a.wrong("remove", "204")
	}
	if a, err := s.ask("mortal", "GET", "/", nil); err != nil || a.status != http.StatusNotFound {
		return errors.Join(err, a.wrong("after its removal", "404"))
	}
	return nil
}

// lookAtMortal asks an app that is there, or is not.
func (s *soak) lookAtMortal() error {
	a, err := s.ask("mortal", "GET", "/", nil)
	there := a.status == http.StatusOK && a.body == "hello\n"
	away := a.status == http.StatusNotFound && a.header.Get("X-Space-Error") == "not_found"
	if errors.Is(err, errBusy) || (err == nil && (there || away)) {
		return nil
	}
	return errors.Join(err, a.wrong("GET /", "hello, or 404"))
}

// hostile pushes what no server should take.
func (s *soak) hostile() error {
	bodies := [][]byte{
		nil, []byte("PK\x03\x04 nothing"), []byte("\x1f\x8b nothing"), []byte("neither"), guest("hello")[:100],
		guest("noentry"), guest("unknownimport"), zipped(s.t, map[string]string{"Spacefile": "v: 1", "main.wasm": "x"}),
	}
	for _, m := range wasitest.Hostile() {
		if !m.Slow {
			bodies = append(bodies, m.Code)
		}
	}
	a, err := s.push("hostile", "", bodies[rand.IntN(len(bodies))])
	if err == nil && (a.status != http.StatusUnprocessableEntity || a.header.Get("X-Space-Error") != "refused") {
		err = a.wrong("push", "422 refused")
	}
	return err
}

// breakOff ends a push in its middle.
func (s *soak) breakOff() error {
	conn, err := s.dial()
	if err != nil {
		return err
	}
	code := guest("hello")
	_, err = fmt.Fprintf(conn, "PUT /api/v1/apps/broken HTTP/1.1\r\nHost: localhost:%s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/wasm\r\nContent-Length: 100000\r\n\r\n%s", s.port, s.token, code[:rand.IntN(len(code))])
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	return errors.Join(err, conn.Close())
}

// killChild ends a child that compiles what would take it long.
func (s *soak) killChild() error {
	done := make(chan error, 1)
	go func() {
		a, err := s.push("slow", "application/wasm", slowModule(s.t, byte(rand.IntN(256))))
		if err == nil && (a.status != http.StatusInternalServerError || !strings.Contains(a.body, "ended from outside")) && a.status != http.StatusUnprocessableEntity {
			err = a.wrong("push", "the child was ended, or 422")
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(300 * time.Millisecond):
		}
		if ids := s.children(); len(ids) > 0 {
			_ = syscall.Kill(ids[rand.IntN(len(ids))], syscall.SIGKILL) // it may have ended
		}
	}
}

// follow listens to a log for a while.
func (s *soak) follow() error {
	req, err := http.NewRequest(http.MethodGet, s.url+"/api/v1/apps/soak0/logs?follow=true", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var e entry
	line, err := bufio.NewReader(res.Body).ReadBytes('\n')
	return errors.Join(err, json.Unmarshal(line, &e))
}

// list asks for all apps.
func (s *soak) list() error {
	a, err := s.admin(http.MethodGet, "/api/v1/apps", "", nil)
	if err != nil {
		return err
	}
	var list struct{ Apps []deployed }
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list.Apps) < soakApps+1 {
		return a.wrong("list", "the apps")
	}
	return nil
}
