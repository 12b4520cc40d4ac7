package space

import (
	"errors"
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) micros(n *yaml.Node, key string) []MicroSpec {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > MaxMicros {
		d.fault(at(n), key, "want a list of 1 to %d micros", MaxMicros)
		return nil
	}
	return list(d, n, key, MaxMicros, d.micro)
}

func (d *decoder) micro(n *yaml.Node, under string) MicroSpec {
	m := MicroSpec{Line: n.Line, Column: n.Column}
	readers := map[string]func(*yaml.Node, string){
		"name":            func(n *yaml.Node, key string) { m.Name = d.name(n, key) },
		"src":             func(n *yaml.Node, key string) { m.Src = checked(d, n, key, cleanSrc) },
		"engine":          func(n *yaml.Node, key string) { m.Engine = checked(d, n, key, ParseEngine) },
		"run":             func(n *yaml.Node, key string) { m.Run = checked(d, n, key, splitRun) },
		"dev":             func(n *yaml.Node, key string) { m.Dev = d.text(n, key) },
		"primary":         func(n *yaml.Node, key string) { m.Primary = d.boolean(n, key) },
		"path":            func(n *yaml.Node, key string) { m.Path = d.text(n, key) },
		"serve":           func(n *yaml.Node, key string) { m.Serve = checked(d, n, key, cleanSrc) },
		"fallback":        func(n *yaml.Node, key string) { m.Fallback = checked(d, n, key, cleanSrc) },
		"commands":        func(n *yaml.Node, key string) { m.Commands = list(d, n, key, 0, d.text) },
		"include":         func(n *yaml.Node, key string) { m.Include = unique(d, n, key, cleanPattern) },
		"public":          func(n *yaml.Node, key string) { m.Public = d.boolean(n, key) },
		"public_routes":   func(n *yaml.Node, key string) { m.PublicRoutes = unique(d, n, key, parseRoute) },
		"presets":         func(n *yaml.Node, key string) { d.presets(n, key, &m) },
		"actions":         func(n *yaml.Node, key string) { m.Actions = list(d, n, key, MaxActions, d.action) },
		"provide_actions": func(n *yaml.Node, key string) { m.ProvidesActions = d.boolean(n, key) },
		"isolation":       func(n *yaml.Node, key string) { m.Isolation = checked(d, n, key, parseIsolation) },
		"limits":          func(n *yaml.Node, key string) { m.Limits = d.limits(n, key) },
	}
	d.mapping(n, under, readers)
	d.needed(n, under, map[string]string{"name": m.Name, "src": m.Src, "engine": string(m.Engine)}, "name", "src", "engine")
	d.together(n, under, &m)
	return m
}

// needed finds the keys that are missing.
func (d *decoder) needed(n *yaml.Node, under string, values map[string]string, names ...string) {
	for _, name := range names {
		if key := under + "." + name; values[name] == "" && !d.blamed(key) {
			d.fault(at(n), key, "is missing")
		}
	}
}

// together checks the keys of a Micro that bear on one another.
func (d *decoder) together(n *yaml.Node, under string, m *MicroSpec) {
	given := func(name string) (place, bool) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return at(n.Content[i]), true
			}
		}
		return place{}, false
	}
	refuse := func(name, format string, args ...any) {
		if where, ok := given(name); ok {
			d.fault(where, under+"."+name, format, args...)
		}
	}
	if m.Public {
		refuse("public_routes", "cannot stand beside `public: true`, which opens all routes; leave one of the two out")
	}
	if m.Engine == "" {
		return // which has been blamed, and decides on the rest
	}
	if m.Engine.IsStatic() {
		for _, name := range []string{"include", "isolation", "limits", "actions"} {
			refuse(name, "means nothing for the engine %s, which serves the files of one folder", m.Engine)
		}
		if m.Engine == EngineStatic && m.Serve == "" && !d.blamed(under+".serve") {
			d.fault(at(n), under+".serve", "is missing: the folder of the files, below src; `serve: .` is all of it")
		}
		return
	}
	for _, name := range []string{"serve", "fallback"} {
		refuse(name, "means nothing for the engine %s; it is for static, react, vue and svelte", m.Engine)
	}
	if m.Engine != EngineCustom || d.blamed(under+".run") {
		return
	}
	switch where, ok := given("run"); {
	case !ok:
		d.fault(at(n), under+".run", "is missing: the engine custom runs the WASI module that `run` names")
	case path.Ext(m.Run[0]) != ".wasm":
		d.fault(where, under+".run", "%q is no WASI module: compile the program to one (for Go: GOOS=wasip1 GOARCH=wasm), and name that, with .wasm at its end", m.Run[0])
	}
}

func (d *decoder) presets(n *yaml.Node, under string, m *MicroSpec) {
	d.mapping(n, under, map[string]func(*yaml.Node, string){
		"env": func(n *yaml.Node, key string) {
			m.Env = list(d, n, key, 0, d.envPreset)
			names := map[string]bool{}
			for i, e := range m.Env {
				if names[e.Name] && e.Name != "" {
					d.fault(at(n.Content[i]), fmt.Sprintf("%s[%d].name", key, i), "%q is declared twice", e.Name)
				}
				names[e.Name] = true
			}
		},
		"api_keys": func(n *yaml.Node, key string) { m.APIKeys = d.boolean(n, key) },
	})
}

func (d *decoder) envPreset(n *yaml.Node, under string) EnvPreset {
	var e EnvPreset
	d.mapping(n, under, map[string]func(*yaml.Node, string){
		"name":        func(n *yaml.Node, key string) { e.Name = checked(d, n, key, ParseEnvName) },
		"description": func(n *yaml.Node, key string) { e.Description = d.maybe(n, key) },
		"default":     func(n *yaml.Node, key string) { e.Default = checkedValue(d, n, key) },
	})
	d.needed(n, under, map[string]string{"name": e.Name}, "name")
	return e
}

// checkedValue reads a value that an environment can hold, "" among them.
func checkedValue(d *decoder, n *yaml.Node, key string) string {
	s := d.maybe(n, key)
	if err := CheckEnvValue(s); err != nil {
		d.fault(at(n), key, "%v", err)
	}
	return s
}

func parseIsolation(s string) (Isolation, error) {
	switch i := Isolation(s); i {
	case IsolationRequest, IsolationInstance:
		return i, nil
	}
	return "", fmt.Errorf("%q: want request, which gives each request fresh state, or instance, which keeps the memory between requests until the Micro sleeps", s)
}

// limits reads a Micro's own limits.
func (d *decoder) limits(n *yaml.Node, under string) OwnLimits {
	var l OwnLimits
	d.mapping(n, under, map[string]func(*yaml.Node, string){
		"timeout": func(n *yaml.Node, key string) {
			l.Timeout = checked(d, n, key, func(s string) (time.Duration, error) {
				t, err := time.ParseDuration(s)
				if err != nil || t < time.Millisecond {
					return 0, fmt.Errorf("%q: want a time such as 500ms, 5s or 1m", s)
				}
				return t, nil
			})
		},
		"memory": func(n *yaml.Node, key string) { l.Memory = checked(d, n, key, parseMemory) },
		"concurrency": func(n *yaml.Node, key string) {
			l.Concurrency = checked(d, n, key, func(s string) (int, error) {
				c, err := strconv.Atoi(s)
				if err != nil || c < 1 {
					return 0, fmt.Errorf("%q: want a whole number from 1", s)
				}
				return c, nil
			})
		},
	})
	return l
}

// parseMemory reads a size such as 64MiB, which is at least a page of memory.
func parseMemory(s string) (int64, error) {
	const page = 64 << 10
	parts := regexp.MustCompile(`^([0-9]+)\s*([KMG]i?)?B?$`).FindStringSubmatch(s)
	if parts == nil {
		return 0, fmt.Errorf("%q: want a size such as 64MiB or 1GiB", s)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	unit := map[string]int64{"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}[parts[2]]
	switch {
	case err != nil || n > math.MaxInt64/unit:
		return 0, fmt.Errorf("%q is more than any memory", s)
	case n*unit < page:
		return 0, fmt.Errorf("%q: want at least 64KiB, a page of memory", s)
	}
	return n * unit, nil
}

// cleanPattern reads an entry of include: a path below src, or a pattern of such.
func cleanPattern(s string) (string, error) {
	clean, err := cleanSrc(s)
	if err != nil {
		return "", err
	}
	if _, err := path.Match(clean, ""); err != nil {
		return "", fmt.Errorf("%q: is no pattern such as public or *.json", s)
	}
	return clean, nil
}

// ParseEnvName reads the name of a variable that an app may have. Those that the
// platform sets are refused.
func ParseEnvName(s string) (string, error) {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`).MatchString(s) {
		return "", fmt.Errorf("%q is no name of a variable: want at most 128 letters, digits and underscores, no digit first", s)
	}
	if strings.HasPrefix(s, "DETA_") || slices.Contains([]string{"PORT", "TMPDIR"}, s) {
		return "", fmt.Errorf("%s is a variable that the platform sets; choose another name", s)
	}
	if ofRequest(s) {
		return "", fmt.Errorf("%s is a variable in which a program finds its request, so that whoever sends one could set it; choose another name", s)
	}
	return s, nil
}

// MaxEnvValue bounds the value of a variable, in bytes.
const MaxEnvValue = 32 << 10

// CheckEnvValue tells why a value cannot be that of a variable.
func CheckEnvValue(s string) error {
	switch {
	case strings.ContainsRune(s, 0):
		return errors.New("the value has a NUL character in it, which no environment can hold")
	case len(s) > MaxEnvValue:
		return fmt.Errorf("the value has %d bytes; there may be %d", len(s), MaxEnvValue)
	}
	return nil
}
