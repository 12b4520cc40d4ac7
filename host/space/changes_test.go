package space_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

func TestChanges(t *testing.T) {
	micro := space.Micro{
		Name: "web", Path: "/", Primary: true, Public: true, Run: []string{"main.wasm"}, Module: "m1", WasmBytes: 10, Bundle: "b1",
		BundleBytes: 12, Contract: "cgi", CompileTime: 1,
	}
	with := func(change func(*space.Micro)) space.Micro {
		m := micro
		change(&m)
		return m
	}
	api := with(func(m *space.Micro) { m.Name, m.Path, m.Primary = "api", "/api", false })
	old := with(func(m *space.Micro) { m.Module = "" }) // as earlier versions recorded it
	for want, c := range map[string][2][]space.Micro{
		"nothing":                                   {{micro, api}, {micro, api}},
		"nothing ":                                  {{old}, {with(func(m *space.Micro) { m.Engine = space.EngineWasm })}},
		"nothing  ":                                 {{micro}, {with(func(m *space.Micro) { m.CompileTime, m.SnapshotBytes, m.Drew = time.Second, 5, []string{"the time"} })}},
		"micro web added, micro api added":          {nil, {micro, api}},
		"micro api removed":                         {{micro, api}, {micro}},
		"micro web removed, micro api added":        {{micro}, {api}},
		"code of web changed":                       {{micro}, {with(func(m *space.Micro) { m.Module, m.Bundle = "m2", "b2" })}},
		"code of web changed ":                      {{old}, {with(func(m *space.Micro) { m.WasmBytes, m.BundleBytes, m.Bundle = 11, 13, "b2" })}},
		"files of web changed":                      {{micro}, {with(func(m *space.Micro) { m.Bundle = "b2" })}},
		"code of web changed, files of web changed": {{micro}, {with(func(m *space.Micro) { m.Module, m.Bundle, m.BundleBytes = "m2", "b2", 13 })}},
		"path of api changed, settings of api changed": {
			{micro, api}, {micro, with(func(m *space.Micro) { m.Name, m.Path, m.Primary, m.Public = "api", "/v2", false, false })},
		},
		"settings of web changed": {{micro}, {with(func(m *space.Micro) { m.Run = []string{"main.wasm", "-v"} })}},
		"settings of web changed  ": {
			{with(func(m *space.Micro) { m.Actions = []space.Action{{ID: "a"}} })},
			{with(func(m *space.Micro) { m.Actions = []space.Action{{ID: "a", Timezone: "Europe/Berlin"}} })},
		},
		"settings of web changed ": {{micro}, {with(func(m *space.Micro) { m.Env = []space.EnvPreset{{Name: "A"}} })}},
	} {
		if got := strings.Join(space.Changes(c[0], c[1]), ", "); got != strings.TrimSpace(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
