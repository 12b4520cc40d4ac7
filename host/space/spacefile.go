package space

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// SpacefileName is the name that the file must have, at the root of a project.
const SpacefileName = "Spacefile"

// CheckMisnamed looks at the root of a project that has no Spacefile for one that was meant to
// be it: what is written there would hold for nothing, and an app be public that was meant to
// be private. It is refused, as a [*Error].
func CheckMisnamed(files fs.FS) error {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return fmt.Errorf("look for a Spacefile: %w", err)
	}
	for _, entry := range entries {
		name := strings.ToLower(entry.Name())
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml")
		if name == strings.ToLower(SpacefileName) {
			return Refuse(Fault{File: entry.Name(), Message: "is not read under this name: rename it to " + SpacefileName})
		}
	}
	return nil
}

// DefaultModule is the module a Micro runs when its Spacefile does not say.
const DefaultModule = "main.wasm"

// Spacefile is the description of an app, version 0 of Deta's format with some keys of
// our own.
type Spacefile struct {
	// Icon is the app's picture, a path within the project; "" is none.
	Icon string
	// Name is what people call the app; "" leaves it to its host name.
	Name string
	// AutoPWA is what the file says of auto_pwa; true unless it says so.
	AutoPWA bool
	Micros  []MicroSpec
}

// MicroSpec describes one Micro of a Spacefile.
type MicroSpec struct {
	Name    string
	Src     string // slash-separated folder within the project; "." for its root
	Engine  Engine
	Run     []string // the module, below Src, and its arguments; nil for static engines
	Dev     string   // the command that develops it, for other tools
	Primary bool
	Path    string // "/" for the primary Micro, else "/prefix"
	// Serve is the folder below Src of which a static engine serves the files; "" is the
	// first there is of [MicroSpec.ServeFolders].
	Serve    string
	Fallback string // the file, below Serve, for navigations that find none; "" is none
	// Commands build the Micro, on the machine of who pushes it.
	Commands []string
	// Include are the paths and patterns below Src of what is packed; nil is all.
	Include      []string
	Public       bool
	PublicRoutes []string
	APIKeys      bool
	Env          []EnvPreset
	Actions      []Action
	// ProvidesActions is what the file says of provide_actions, which does nothing here.
	ProvidesActions bool
	Isolation       Isolation // "" is not given
	Limits          OwnLimits
	Line, Column    int // where the Micro begins in the file; 0 when implied
}

// Micro is the deployed Micro as far as its description says.
func (m MicroSpec) Micro() Micro {
	return Micro{
		Name: m.Name, Path: m.Path, Primary: m.Primary, Public: m.Public, PublicRoutes: m.PublicRoutes, APIKeys: m.APIKeys,
		Engine: m.Engine, Fallback: m.Fallback, Env: m.Env, Actions: m.Actions, Isolation: m.Isolation, Limits: m.Limits, Run: m.Run,
	}
}

// EnvPreset is a variable that a Micro's author declares, and its owner may set.
type EnvPreset struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Default is its value until its owner sets one; "" leaves it unset.
	Default string `json:"default,omitempty"`
}

// ServeFolders are the folders, below the project's root, that a static Micro may be
// served from: the first that exists is.
func (m MicroSpec) ServeFolders() []string {
	if m.Serve != "" {
		return []string{path.Join(m.Src, m.Serve)}
	}
	return []string{path.Join(m.Src, "dist"), path.Join(m.Src, "build")}
}

// ImpliedSpacefile describes a project without a Spacefile: one public primary
// Micro that runs main.wasm.
func ImpliedSpacefile(name AppName) *Spacefile {
	return &Spacefile{AutoPWA: true, Micros: []MicroSpec{{
		Name: string(name), Src: ".", Engine: EngineWasm, Run: []string{DefaultModule},
		Primary: true, Path: "/", Public: true,
	}}}
}

// ParseSpacefile reads a Spacefile. It finds every fault rather than the first,
// and returns them as a [CodeRefused] *Error.
func ParseSpacefile(text []byte) (*Spacefile, error) {
	d := &decoder{}
	file := d.spacefile(text)
	if len(d.faults) == 0 {
		d.settle(file)
	}
	if len(d.faults) > 0 {
		return nil, Refuse(d.faults...)
	}
	return file, nil
}

// settle fills in what the file implies and checks what spans several Micros.
func (d *decoder) settle(file *Spacefile) {
	micros := file.Micros
	if len(micros) == 1 {
		micros[0].Primary = true
	}
	d.onePrimary(micros)
	names, paths, actions := map[string]bool{}, map[string]string{}, map[string]string{}
	for i := range micros {
		m := &micros[i]
		key := fmt.Sprintf("micros[%d]", i)
		if folded := strings.ToLower(m.Name); names[folded] {
			d.fault(m.at(), key+".name", "micro names have to be unique, and %q is used twice", m.Name)
		} else {
			names[folded] = true
		}
		if len(m.Run) == 0 && !m.Engine.IsStatic() {
			m.Run = []string{DefaultModule}
		}
		d.settlePath(m, key)
		// Who else claims "/" has been blamed for that.
		if other, taken := paths[m.Path]; taken && m.Path != "/" {
			d.fault(m.at(), key+".path", "%q already belongs to micro %q", m.Path, other)
		}
		paths[m.Path] = m.Name
		for j, action := range m.Actions {
			if other, taken := actions[action.ID]; taken {
				d.fault(m.at(), fmt.Sprintf("%s.actions[%d].id", key, j),
					"ids of actions have to be unique in the app, and micro %q has %q already", other, action.ID)
			}
			actions[action.ID] = m.Name
		}
	}
}

// at is where the Micro begins.
func (m *MicroSpec) at() place { return place{m.Line, m.Column} }

func (d *decoder) onePrimary(micros []MicroSpec) {
	primaries := 0
	for _, m := range micros {
		if m.Primary {
			primaries++
		}
	}
	switch {
	case primaries == 0:
		d.fault(place{}, "micros", "no primary micro: mark the one that answers at / with `primary: true`")
	case primaries > 1:
		d.fault(place{}, "micros", "multiple primary micros: exactly one may have `primary: true`")
	}
}

// settlePath normalises as Deta did: the primary Micro answers at "/" whatever
// its path says, the others below their path or else their name.
func (d *decoder) settlePath(m *MicroSpec, key string) {
	if m.Primary {
		m.Path = "/"
		return
	}
	if m.Path == "" {
		m.Path = m.Name
	}
	clean := strings.TrimSuffix(strings.TrimPrefix(m.Path, "/"), "/")
	if clean == "" {
		d.fault(m.at(), key+".path", "only the primary micro answers at /; give this one a path of its own")
		return
	}
	for segment := range strings.SplitSeq(clean, "/") {
		if !regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$`).MatchString(segment) {
			d.fault(m.at(), key+".path", "%q: want segments of letters, digits and . _ ~ -", m.Path)
			return
		}
	}
	if first, _, _ := strings.Cut(clean, "/"); first == "__space" {
		d.fault(m.at(), key+".path", "paths below /__space belong to the platform")
		return
	}
	m.Path = "/" + clean
}

// cleanSrc makes a project-relative folder of a src key, or reports why not.
func cleanSrc(src string) (string, error) {
	if strings.ContainsAny(src, "\\\x00") || path.IsAbs(src) {
		return "", fmt.Errorf("%q: want a folder within the project, with / between its parts", src)
	}
	clean := path.Clean(src)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("%q leads out of the project", src)
	}
	return clean, nil
}

// cleanPath is a path of a URL in its shortest form; a slash at its end stays.
func cleanPath(p string) string {
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// splitRun splits a run key into the module's path and the guest's arguments.
func splitRun(run string) ([]string, error) {
	if strings.ContainsRune(run, 0) {
		return nil, errors.New("has a NUL character in it")
	}
	words := strings.Fields(run)
	if len(words) == 0 {
		return nil, errors.New("names no module")
	}
	module, err := cleanSrc(words[0])
	if err != nil {
		return nil, err
	}
	words[0] = module
	return words, nil
}
