package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// as runs the command line with another token.
func (s *server) as(token string, status int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	return console(s.t, status, "", append(args, "--server", s.url, "--token", token)...)
}

// makes runs a command that prints a new value alone.
func (s *server) makes(prefix string, args ...string) string {
	s.t.Helper()
	out, _ := s.console(0, args...)
	value := strings.TrimSuffix(out, "\n")
	if !strings.HasPrefix(value, prefix) || len(value) != 30 || strings.ContainsAny(value, " \n") {
		s.t.Fatalf("%q printed %q", args, out)
	}
	return value
}

// A deploy token pushes its app, looks at it and reads its logs, and nothing else;
// revoked, it does nothing.
func TestE2EDeployToken(t *testing.T) {
	s := serve(t)
	file := filepath.Join(t.TempDir(), "shop.wasm")
	must(t, os.WriteFile(file, guest("hello"), 0o600))
	s.pushed("blog", "application/wasm", guest("hello"))
	ci := s.makes("swt_", "token", "create", "the CI", "--app", "shop")

	s.as(ci, 0, "push", file)
	s.as(ci, 0, "logs", "shop")
	out, _ := s.as(ci, 0, "ls")
	if contains(t, out, "shop"); strings.Contains(out, "blog") {
		t.Errorf("it sees others' apps:\n%s", out)
	}
	for _, args := range [][]string{
		{"push", file, "--app", "blog"},
		{"push", file, "--app", "new"},
		{"logs", "blog"},
		{"rm", "blog"},
		{"rm", "shop"},
		{"token", "ls"},
		{"token", "create", "mine"},
		{"token", "revoke", "the CI"},
		{"keys", "shop"},
		{"keys", "shop", "create", "mine"},
	} {
		_, why := s.as(ci, 1, args...)
		contains(t, why, `the token "the CI" may deploy the app shop`, "came from --token")
	}
	bearer := []string{"Authorization", "Bearer " + ci}
	s.do(s.request(http.MethodGet, "", "/api/v1/version", nil, bearer...)).is(t, http.StatusOK, "")
	s.do(s.request(http.MethodPut, "", "/api/v1/apps/blog", bytes.NewReader(guest("hello")), bearer...)).problem(t, http.StatusForbidden, "forbidden")

	// login takes it.
	cmd := exec.Command(program(t), "login", s.url)
	cmd.Stdin = strings.NewReader(ci + "\n")
	if _, said := runConsole(t, cmd, 0); !strings.Contains(said, "logged in") {
		t.Errorf("login said %q", said)
	}

	out, _ = s.console(0, "token", "ls")
	contains(t, out, "the CI", "deploy shop")
	s.console(0, "token", "revoke", "the CI")
	_, why := s.as(ci, 1, "push", file)
	contains(t, why, "the token is missing or wrong")
	s.as(ci, 1, "ls")
}

// Another admin's token does what the one in the file does, outlives a restart, and
// can be revoked alone. T12: no Micro sees it, nor an app key, whatever header it comes in.
func TestE2EAdminToken(t *testing.T) {
	s := serve(t)
	s.pushed("env", "application/wasm", guest("env"))
	anna := s.makes("swt_", "token", "create", "of Anna")
	key := s.makes("swk_", "keys", "env", "create", "the till")
	s.as(anna, 0, "keys", "env")
	s.as(anna, 0, "token", "create", "more")
	for _, value := range []string{s.token, anna, key} {
		seen := s.ok("env", "/", "Authorization", "Bearer "+value, "X-Api-Key", value, "X-Else", "Bearer "+value, "X-Kept", "swt_kept")
		if contains(t, seen, "HTTP_X_KEPT=swt_kept"); strings.Contains(seen, value) || strings.Contains(seen, "HTTP_X_API_KEY") {
			t.Errorf("the Micro sees a credential:\n%s", seen)
		}
	}

	s.stop()
	s = serveData(t, s.data)
	s.as(anna, 0, "ls")
	contains(t, first(s.console(0, "keys", "env", "--json")), `"the till"`)
	s.console(0, "token", "revoke", "of Anna")
	s.as(anna, 1, "ls")
	s.console(0, "ls")
}

func first(out, _ string) string { return out }

// Keys are made, listed and deleted; with the app they go.
func TestE2EKeys(t *testing.T) {
	s := serve(t)
	s.pushed("shop", "application/wasm", guest("hello"))
	_, said := s.console(0, "keys", "shop", "create", "the till")
	contains(t, said, "X-Space-App-Key: $KEY", "http://shop.localhost:"+s.port+"/", "no Micro of shop takes keys")
	_, why := s.console(1, "keys", "shop", "create", "the till")
	contains(t, why, `a key "the till" of shop already`)
	s.console(0, "keys", "shop", "delete", "the till")
	_, why = s.console(1, "keys", "shop", "delete", "the till")
	contains(t, why, `no key "the till" of shop`)
	_, why = s.console(1, "keys", "none", "create", "x")
	contains(t, why, `no app "none"`)

	s.makes("swk_", "keys", "shop", "create", "x")
	ci := s.makes("swt_", "token", "create", "ci", "--app", "shop")
	s.console(0, "rm", "shop")
	s.as(ci, 1, "ls")
	s.pushed("shop", "application/wasm", guest("hello"))
	var keys struct{ Keys []struct{ Name string } }
	must(t, json.Unmarshal([]byte(first(s.console(0, "keys", "shop", "--json"))), &keys))
	if len(keys.Keys) != 0 {
		t.Errorf("the new app has %+v", keys)
	}
}

// A Spacefile says which Micros take keys; the platform knows.
func TestE2EAPIKeysPreset(t *testing.T) {
	s := serve(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "main.wasm"), guest("hello"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "Spacefile"), []byte(
		"v: 0\nmicros:\n  - name: till\n    src: .\n    engine: wasm\n    primary: true\n    presets:\n      api_keys: true\n"), 0o600))
	s.console(0, "push", dir, "--app", "till")
	if _, said := s.console(0, "keys", "till", "create", "x"); strings.Contains(said, "note:") {
		t.Errorf("said %q", said)
	}
}
