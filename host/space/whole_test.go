package space_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

const wholeSpacefile = `# Spacefile Docs
v: 0
icon: ./icon.png
app_name: a name
auto_pwa: false
micros:
  - name: web
    src: ./front
    engine: vue
    primary: true
    serve: dist/
    fallback: index.html
    commands: [npm ci, npm run build]
    dev: npm run dev -- --port $PORT
    public: true
  - name: api
    src: api
    engine: custom
    run: ./out/app.wasm --quiet
    path: v1/api
    include: [out, "*.json"]
    presets:
      env:
        - {name: TOKEN, description: of the service, default: ""}
        - name: MODE
          default: fast
      api_keys: true
    public_routes: [/, /docs/*]
    provide_actions: true
    actions:
      - {id: clean, name: Clean up, description: old things, trigger: schedule, default_interval: 1 day, path: /jobs/clean}
      - {id: poll, name: Poll, trigger: schedule, default_interval: "0/15 * * * *", timezone: Europe/Berlin, overlap: queue, retries: 5, missed: once, spread: 1m30s}
    isolation: instance
    limits: {timeout: 1500ms, memory: 128MiB, concurrency: 4}
  - {name: site, src: site, engine: static, serve: .}
`

// As the original: each key of the schema is known, beside ours.
func TestSpacefileWhole(t *testing.T) {
	file, err := space.ParseSpacefile([]byte(wholeSpacefile))
	if err != nil {
		t.Fatal(err)
	}
	want := &space.Spacefile{Icon: "icon.png", Name: "a name", Micros: []space.MicroSpec{
		{
			Name: "web", Src: "front", Engine: space.EngineVue, Primary: true, Path: "/", Serve: "dist", Fallback: "index.html",
			Commands: []string{"npm ci", "npm run build"}, Dev: "npm run dev -- --port $PORT", Public: true, Line: 7, Column: 5,
		},
		{
			Name: "api", Src: "api", Engine: space.EngineCustom, Run: []string{"out/app.wasm", "--quiet"}, Path: "/v1/api",
			Include: []string{"out", "*.json"}, APIKeys: true, PublicRoutes: []string{"/", "/docs/*"}, ProvidesActions: true,
			Env: []space.EnvPreset{{Name: "TOKEN", Description: "of the service"}, {Name: "MODE", Default: "fast"}},
			Actions: []space.Action{
				{ID: "clean", Name: "Clean up", Description: "old things", DefaultInterval: "1 day", Path: "/jobs/clean"},
				{
					ID: "poll", Name: "Poll", DefaultInterval: "0/15 * * * *", Timezone: "Europe/Berlin", Overlap: space.OverlapQueue, Retries: 5,
					Missed: space.MissedOnce, Spread: 90 * time.Second,
				},
			},
			Isolation: space.IsolationInstance, Limits: space.OwnLimits{Timeout: 1500 * time.Millisecond, Memory: 128 << 20, Concurrency: 4},
			Line: 16, Column: 5,
		},
		{Name: "site", Src: "site", Engine: space.EngineStatic, Serve: ".", Path: "/site", Line: 35, Column: 5},
	}}
	if !reflect.DeepEqual(file, want) {
		t.Errorf("got %+v\nwant %+v", file, want)
	}
	micro := file.Micros[1].Micro()
	if micro.Limits != want.Micros[1].Limits || !reflect.DeepEqual(micro.Actions, want.Micros[1].Actions) || micro.Engine != space.EngineCustom {
		t.Errorf("got %+v", micro)
	}
}

func TestSpacefileWholeFaults(t *testing.T) {
	action := func(more string) string {
		return micro("actions: [{id: a, name: b, trigger: schedule, default_interval: 1 day, " + more + "}]")
	}
	static := strings.Replace(oneMicro, "engine: wasm", "engine: static\n    serve: .", 1)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"python":            {strings.Replace(oneMicro, "wasm", "python3.9", 1), []string{"no Python here"}},
		"node":              {strings.Replace(oneMicro, "wasm", "nodejs16", 1), []string{"no Node.js here"}},
		"next":              {strings.Replace(oneMicro, "wasm", "next", 1), []string{"output: 'export'"}},
		"nuxt":              {strings.Replace(oneMicro, "wasm", "nuxt", 1), []string{"nuxt generate"}},
		"svelte-kit":        {strings.Replace(oneMicro, "wasm", "svelte-kit", 1), []string{"adapter-static"}},
		"an engine of none": {strings.Replace(oneMicro, "wasm", "docker", 1), []string{"there are wasm, custom"}},
		"custom, no run":    {strings.Replace(oneMicro, "wasm", "custom", 1), []string{"micros[0].run: is missing"}},
		"custom, native":    {strings.Replace(micro("run: ./server"), "wasm", "custom", 1), []string{`micros[0].run: "server" is no WASI module`}},
		"static, no serve":  {strings.Replace(oneMicro, "wasm", "static", 1), []string{"micros[0].serve: is missing"}},
		"static, include":   {static + "    include: [x]\n", []string{"micros[0].include: means nothing for the engine static"}},
		"serve of wasm":     {micro("serve: x"), []string{"micros[0].serve: means nothing for the engine wasm"}},
		"serve above":       {static[:len(static)-2] + "../x\n", []string{"micros[0].serve"}},
		"public twice":      {micro("public: true\n    public_routes: [/a]"), []string{"micros[0].public_routes: cannot stand beside"}},
		"route without /":   {micro("public_routes: [a]"), []string{"micros[0].public_routes[0]: \"a\": want a path that begins with /"}},
		"routes empty":      {micro("public_routes: []"), []string{"micros[0].public_routes: want a list of at least one"}},
		"route twice":       {micro("public_routes: [/a, /a]"), []string{"micros[0].public_routes[1]: \"/a\" is in the list twice"}},
		"include above":     {micro("include: [../x]"), []string{"micros[0].include[0]: \"../x\" leads out"}},
		"include twice":     {micro("include: [x, ./x/]"), []string{"micros[0].include[1]: \"x\" is in the list twice"}},
		"include pattern":   {micro(`include: ["[a"]`), []string{"micros[0].include[0]: \"[a\": is no pattern"}},
		"commands a text":   {micro("commands: make"), []string{"micros[0].commands: want a list"}},
		"env no name":       {micro("presets: {env: [{default: x}]}"), []string{"micros[0].presets.env[0].name: is missing"}},
		"env twice":         {micro("presets: {env: [{name: A}, {name: A}]}"), []string{`micros[0].presets.env[1].name: "A" is declared twice`}},
		"env of ours":       {micro("presets: {env: [{name: PORT}, {name: DETA_X}]}"), []string{"PORT is a variable that the platform sets", "DETA_X is a variable"}},
		"env name":          {micro("presets: {env: [{name: A=B}]}"), []string{"is no name of a variable"}},
		"env value":         {micro(`presets: {env: [{name: A, default: "a\0b"}]}`), []string{"NUL"}},
		"env unknown":       {micro("presets: {env: [{name: A, value: x}]}"), []string{"micros[0].presets.env[0].value: unknown key"}},
		"six actions":       {micro("actions: [" + strings.Repeat("{},", 6) + "]"), []string{"micros[0].actions: want a list of 1 to 5"}},
		"action of nothing": {micro("actions: [{}]"), []string{"].id: is missing", "].name: is missing", "].trigger: is missing", "].default_interval: is missing"}},
		"action trigger":    {strings.Replace(action("description: x"), "schedule", "http", 1), []string{`"http": there is only schedule`}},
		"action interval":   {strings.Replace(action("description: x"), "1 day", "1 days", 1), []string{"micros[0].actions[0].default_interval:"}},
		"action words":      {action("description: " + strings.Repeat("x", 143)), []string{"has 143 characters; there may be 142"}},
		"action path":       {action("path: a"), []string{"micros[0].actions[0].path"}},
		"action path dots":  {action("path: /a/../b"), []string{"micros[0].actions[0].path"}},
		"action id":         {strings.Replace(action("path: /a"), "id: a", "id: a/b", 1), []string{"micros[0].actions[0].id"}},
		"action timezone":   {action("timezone: europe/berlin"), []string{`Spacefile:6: micros[0].actions[0].timezone: "europe/berlin" is no time zone: want a name`}},
		"timezone of here":  {action("timezone: Local"), []string{`"Local" is no time zone`}},
		"timezone empty":    {action(`timezone: ""`), []string{"micros[0].actions[0].timezone: want a text"}},
		"action overlap":    {action("overlap: kill"), []string{`Spacefile:6: micros[0].actions[0].overlap: "kill": want skip, which leaves out`}},
		"overlap of bool":   {action("overlap: true"), []string{`micros[0].actions[0].overlap: "true": want skip`}},
		"action retries":    {action("retries: 6"), []string{`Spacefile:6: micros[0].actions[0].retries: "6": want a whole number from 0 to 5`}},
		"retries below":     {action("retries: -1"), []string{`micros[0].actions[0].retries: "-1": want a whole number`}},
		"retries in part":   {action("retries: 1.5"), []string{"micros[0].actions[0].retries"}},
		"retries of list":   {action("retries: [1]"), []string{"micros[0].actions[0].retries: want a text"}},
		"action missed":     {action("missed: all"), []string{`Spacefile:6: micros[0].actions[0].missed: "all": want skip, which leaves out what was due`}},
		"action spread":     {action("spread: 61m"), []string{`Spacefile:6: micros[0].actions[0].spread: "61m": want a time from 0s to 1h`}},
		"spread below":      {action("spread: -1ns"), []string{`micros[0].actions[0].spread: "-1ns": want a time`}},
		"spread no unit":    {action("spread: 30"), []string{`micros[0].actions[0].spread: "30": want a time`}},
		"action key twice":  {action("retries: 1, retries: 1"), []string{"micros[0].actions[0].retries: is given twice"}},
		"action unknown":    {action("jitter: 1s"), []string{"actions[0].jitter: unknown key; known here: default_interval, description, id, missed, name, overlap, path, retries, spread, timezone, trigger"}},
		"several in action": {action("overlap: a, missed: b, retries: c, spread: d"), []string{"].overlap:", "].missed:", "].retries:", "].spread:"}},
		"action id twice": {
			oneMicro + "    primary: true\n    actions: [{id: a, name: b, trigger: schedule, default_interval: 1 day}]\n" +
				"  - {name: two, src: ., engine: wasm, actions: [{id: a, name: b, trigger: schedule, default_interval: 1 day}]}\n",
			[]string{`micros[1].actions[0].id: ids of actions have to be unique in the app, and micro "one" has "a" already`},
		},
		"isolation":   {micro("isolation: process"), []string{`micros[0].isolation: "process": want request`}},
		"timeout":     {micro("limits: {timeout: 5}"), []string{"micros[0].limits.timeout: \"5\": want a time"}},
		"memory":      {micro("limits: {memory: lots}"), []string{"micros[0].limits.memory: \"lots\": want a size"}},
		"memory page": {micro("limits: {memory: 1KiB}"), []string{"at least 64KiB"}},
		"memory huge": {micro("limits: {memory: 99999999999GiB}"), []string{"more than any memory"}},
		"concurrency": {micro("limits: {concurrency: 0}"), []string{"micros[0].limits.concurrency"}},
		"limits none": {micro("limits: {tmp: 1MiB}"), []string{"micros[0].limits.tmp: unknown key; known here: concurrency, memory, timeout"}},
		"app_name":    {"app_name: a name too long\n" + oneMicro, []string{"Spacefile:1: app_name: has 15 characters; there may be 12"}},
	} {
		t.Run(name, func(t *testing.T) { checkFaults(t, faults(t, c.text), c.want) })
	}
}

// What the keys of an action may be at their ends, and what is kept of them.
func TestActionKeys(t *testing.T) {
	for more, want := range map[string]space.Action{
		"path: /x":                               {Path: "/x"},
		"retries: 0, spread: 0s":                 {},
		"spread: 1h":                             {Spread: space.MaxSpread},
		"spread: 60m, retries: \"5\"":            {Spread: space.MaxSpread, Retries: space.MaxRetries},
		"overlap: skip, missed: skip":            {Overlap: space.OverlapSkip, Missed: space.MissedSkip},
		"timezone: UTC, overlap: \"queue\"":      {Timezone: "UTC", Overlap: space.OverlapQueue},
		"timezone: Asia/Kathmandu, missed: once": {Timezone: "Asia/Kathmandu", Missed: space.MissedOnce},
	} {
		want.ID, want.Name, want.DefaultInterval = "a", "b", "1 day"
		file, err := space.ParseSpacefile([]byte(micro("actions: [{id: a, name: b, trigger: schedule, default_interval: 1 day, " + more + "}]")))
		if err != nil {
			t.Errorf("%s: %v", more, err)
			continue
		}
		if got := file.Micros[0].Actions[0]; got != want {
			t.Errorf("%s: got %+v", more, got)
		}
	}
}

func TestLimitsWithin(t *testing.T) {
	server := space.DefaultLimits()
	own := server.Within(space.OwnLimits{Timeout: time.Second, Memory: 1 << 20, Concurrency: 2})
	if own.Timeout != time.Second || own.Memory != 1<<20 || own.Concurrency != 2 || own.Payload != server.Payload {
		t.Errorf("got %+v", own)
	}
	if got := server.Within(space.OwnLimits{Timeout: time.Hour, Memory: 1 << 40, Concurrency: 1000}); got != server {
		t.Errorf("a Micro raises the server's limits: %+v", got)
	}
}
