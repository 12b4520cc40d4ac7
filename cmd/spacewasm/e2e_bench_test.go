package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// bench measures a module, and another against it, for people and for machines.
func TestE2EBench(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name+".wasm")
		must(t, os.WriteFile(path, guest(name), 0o600))
		return path
	}
	hello, slower := file("hello"), file("tmpwrite")
	page := filepath.Join(dir, "page.html")
	out, errs := console(t, 0, "", "bench", hello, "--time", "300ms", "--load", "400ms", "--rate", "50", "--baseline", "--html", page)
	contains(t, out, "contract cgi", "compile", "load", "clone", "reset", "asleep", "dozing", "warm", "█", "stock p50", "x  ",
		"under load: 50 requests a second were due", "stock wazero: 50 requests a second were due")
	contains(t, errs, "preparing hello.wasm", "measuring", "load", "page.html")
	contains(t, string(read(t, page)), "<svg", "stock wazero")

	out, _ = console(t, 0, "", "bench", hello, "--compare", slower, "--time", "300ms", "--load", "0s", "--json")
	var d struct {
		Modules []struct {
			Stages []struct {
				Name string `json:"name"`
				Ours struct {
					Count int   `json:"count"`
					P50   int64 `json:"p50_ns"`
				} `json:"ours"`
			} `json:"stages"`
		} `json:"modules"`
		Comparison []struct {
			Stage  string  `json:"stage"`
			Ratio  float64 `json:"ratio"`
			Differ bool    `json:"differ"`
		} `json:"comparison"`
	}
	must(t, json.Unmarshal([]byte(out), &d))
	if len(d.Modules) != 2 || len(d.Comparison) != 7 {
		t.Fatalf("got %s", out)
	}
	if warm := d.Comparison[6]; warm.Stage != "warm" || !warm.Differ || warm.Ratio >= 1 {
		t.Errorf("got %+v", warm)
	}
	out, _ = console(t, 0, "", "bench", hello, "--compare", slower, "--time", "300ms", "--load", "0s")
	contains(t, out, "(the first) against", "the first is")

	_, errs = console(t, 1, "", "bench", file("trap-div"), "--time", "1ms")
	contains(t, errs, "divide by zero")
	_, errs = console(t, 1, "", "bench", file("noentry"))
	contains(t, errs, "no entry point")
	for _, wrong := range [][]string{{}, {hello, "--time", "0s"}, {hello, "--path", "x"}, {hello, "--rate", "-1"}} {
		console(t, 2, "", append([]string{"bench"}, wrong...)...)
	}
}
