package main_test

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// badPush is an upload that is to be refused beside a running app.
type badPush struct {
	name   string
	media  string
	body   []byte
	status int
	code   string
	wants  []string // parts of the message
}

func badModules() []badPush {
	module := func(name string, body []byte, wants ...string) badPush {
		return badPush{name, "application/wasm", body, http.StatusUnprocessableEntity, "refused", wants}
	}
	hello := guest("hello")
	return []badPush{
		module("not wasm", []byte("#!/bin/sh\necho no\n"), "not a WebAssembly"),
		module("empty", nil, ""),
		module("truncated", hello[:len(hello)-5], "cut short"),
		module("only magic", hello[:4], ""),
		module("wrong version", []byte("\x00asm\x02\x00\x00\x00"), "version 2"),
		module("component", []byte("\x00asm\x0d\x00\x01\x00"), "component", "planned"),
		module("unknown imports", guest("unknownimport"), "unknown import env.foo", "unknown import env.bar"),
		module("memory import", guest("importmem"), "memory"),
		module("no entry point", guest("noentry"), "no entry point", "_start"),
		module("bad handler", guest("badhandler"), "handle_response", "another type"),
		module("too much memory", guest("bigmem"), "starts with", "limit is 64 MiB", "--memory"),
	}
}

func badArchives(t *testing.T) []badPush {
	hello := string(guest("hello"))
	link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/passwd"}
	device := &tar.Header{Typeflag: tar.TypeChar, Name: "device"}
	archive := func(name, media string, body []byte, wants ...string) badPush {
		return badPush{name, "application/" + media, body, http.StatusUnprocessableEntity, "refused", wants}
	}
	whole := zipped(t, map[string]string{"main.wasm": hello})
	bomb := archive("zip bomb", "zip", zipped(t, map[string]string{"main.wasm": hello, "zeros": strings.Repeat("\x00", 11<<20)}), "--bundle")
	tarBomb := archive("tar bomb", "gzip", tarred(t, map[string]string{"main.wasm": hello, "zeros": strings.Repeat("\x00", 11<<20)}), "--bundle")
	micro := archive("large Micro", "zip", zipped(t, map[string]string{"main.wasm": hello, "zeros": strings.Repeat("\x00", 3<<20)}), "--bundle")
	for _, b := range []*badPush{&bomb, &tarBomb, &micro} {
		b.status, b.code = http.StatusRequestEntityTooLarge, "payload_too_large"
	}
	return []badPush{
		bomb, tarBomb, micro,
		archive("zip path", "zip", zipped(t, map[string]string{"main.wasm": hello, "../evil": "x"}), "../evil"),
		archive("zip absolute path", "zip", zipped(t, map[string]string{"main.wasm": hello, "/evil": "x"}), "/evil"),
		archive("tar path", "gzip", tarred(t, map[string]string{"main.wasm": hello, "a/../../evil": "x"}), "evil"),
		archive("tar link", "gzip", tarred(t, map[string]string{"main.wasm": hello}, link), "link"),
		archive("tar device", "gzip", tarred(t, map[string]string{"main.wasm": hello}, device), "device"),
		archive("broken zip", "zip", whole[:len(whole)-30], "zip"),
		archive("broken gzip", "gzip", tarred(t, map[string]string{"main.wasm": hello})[:60], ""),
		archive("nothing in it", "zip", zipped(t, map[string]string{"readme": "x"}), "main.wasm"),
		archive("unknown type", "json", []byte("{}"), "application/json"),
	}
}

// Whatever is wrong with a push, one message says so and the app goes on.
func TestE2ERefuse(t *testing.T) {
	s := serve(t, "--bundle", "2MiB", "--memory", "64MiB")
	s.pushed("app", "application/wasm", guest("hello"))
	before := s.tree()
	for _, c := range append(badModules(), badArchives(t)...) {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			p := s.put("app", c.media, bytes.NewReader(c.body)).problem(t, c.status, c.code)
			contains(t, p.Detail, c.wants...)
			if p.Code == "refused" && len(p.Faults) == 0 {
				t.Error("the problem lists no faults")
			}
			if got := s.ok("app", "/"); got != "hello\n" {
				t.Errorf("the app answers %q", got)
			}
			s.unchanged(before)
		})
	}
	s.pushed("app", "application/wasm", guest("state"))
	if got := s.ok("app", "/"); got != "1\n" {
		t.Errorf("the app answers %q after a good push", got)
	}
}

// The command line shows the message and ends with status 1.
func TestE2ERefuseConsole(t *testing.T) {
	s := serve(t)
	file := filepath.Join(t.TempDir(), "app.wasm")
	must(t, os.WriteFile(file, guest("noentry"), 0o600))
	out, errs := s.console(1, "push", file)
	contains(t, errs, "no entry point")
	if out != "" {
		t.Errorf("standard output has %q", out)
	}
}

// An upload over the limit is refused, in whatever form it comes.
func TestE2EBundleLimit(t *testing.T) {
	s := serve(t, "--bundle", "1MiB")
	s.pushed("app", "application/wasm", guest("hello"))
	before := s.tree()
	noise := make([]byte, 7<<20)
	_, err := rand.Read(noise)
	must(t, err)
	module := append(guest("hello"), noise...)
	bundle := map[string]string{"main.wasm": string(guest("hello")), "noise": string(noise)}
	for media, body := range map[string][]byte{
		"application/wasm": module, "application/zip": zipped(t, bundle), "application/gzip": tarred(t, bundle),
	} {
		for form, r := range map[string]io.Reader{"declared": bytes.NewReader(body), "chunked": onlyReader{bytes.NewReader(body)}} {
			t.Run(media+" "+form, func(t *testing.T) {
				s := s.in(t)
				req := s.request(http.MethodPut, "", "/api/v1/apps/app", r, "Authorization", "Bearer "+s.token,
					"Content-Type", media, "Expect", "100-continue")
				contains(t, s.do(req).problem(t, http.StatusRequestEntityTooLarge, "payload_too_large").Detail, "limit")
				s.unchanged(before)
			})
		}
	}
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
}

// Who has not the token changes nothing, and is told before the upload.
func TestE2EToken(t *testing.T) {
	s := serve(t)
	s.pushed("app", "application/wasm", guest("hello"))
	before := s.tree()
	for _, token := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + s.token[:len(s.token)-1], "Bearer " + s.token + "x", "Basic " + s.token + "x"} {
		for method, path := range map[string]string{
			http.MethodPut: "/api/v1/apps/other", http.MethodDelete: "/api/v1/apps/app", http.MethodGet: "/api/v1/apps/app/logs",
		} {
			req := s.request(method, "", path, bytes.NewReader(guest("state")), "Authorization", token, "Expect", "100-continue")
			s.do(req).problem(t, http.StatusUnauthorized, "unauthorized")
		}
	}
	conn := s.connect()
	fmt.Fprintf(conn, "PUT /api/v1/apps/app HTTP/1.1\r\nHost: localhost:%s\r\nContent-Length: 100000000\r\n\r\n", s.port)
	readAnswer(t, conn).is(t, http.StatusUnauthorized, "unauthorized")
	s.unchanged(before)
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
	if info, err := os.Stat(filepath.Join(s.data, "token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v %v", info.Mode(), err)
	}
}

// tree lists the data directory but for the code cache, which tests share, with
// the sizes of the files.
func (s *server) tree() []string {
	s.t.Helper()
	var names []string
	must(s.t, filepath.WalkDir(s.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return gone(err)
		}
		if strings.Contains(path, "+requests") {
			return nil // the access log goes on
		}
		info, err := entry.Info()
		if err != nil {
			return gone(err)
		}
		size := info.Size()
		if entry.IsDir() {
			size = 0
		}
		names = append(names, fmt.Sprintf("%s %v %d", strings.TrimPrefix(path, s.data), info.Mode(), size))
		return nil
	}))
	return names
}

// gone forgives that something is removed while it is listed.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unchanged waits until the data directory is as it was before: a staging folder
// goes a moment after the answer.
func (s *server) unchanged(before []string) {
	s.t.Helper()
	var now []string
	for range 40 {
		if now = s.tree(); slices.Equal(now, before) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Errorf("the data directory was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(now, "\n"))
}
