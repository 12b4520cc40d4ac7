package project

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/spacewasm/spacewasm/host/space"
)

// manifest is what a package.json says.
type manifest struct {
	Scripts         map[string]string `json:"scripts"`
	Dependencies    map[string]string `json:"dependencies"`
	DevDependencies map[string]string `json:"devDependencies"`
}

func (m *manifest) depends(names ...string) bool {
	for _, name := range names {
		if m.Dependencies[name] != "" || m.DevDependencies[name] != "" {
			return true
		}
	}
	return false
}

// detectNode takes front ends, of which a build makes files. Servers get an error that
// says what comes nearest.
func detectNode(folder fs.FS) (*Finding, error) {
	text, err := fs.ReadFile(folder, "package.json")
	if err != nil {
		return nil, nil //nolint:nilerr // none there
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("the package.json cannot be read: %w", err)
	}
	for _, server := range []struct{ engine, dependency, what string }{
		{"next", "next", "a Next.js project"},
		{"nuxt", "nuxt", "a Nuxt project"},
		{"nuxt", "nuxt3", "a Nuxt project"},
		{"svelte-kit", "@sveltejs/kit", "a SvelteKit project"},
	} {
		if m.depends(server.dependency) {
			_, err := space.ParseEngine(server.engine)
			return nil, fmt.Errorf("this is %s: %w", server.what, err)
		}
	}
	f := m.frontEnd()
	switch {
	case f == nil && has(folder, "index.html"):
		return nil, nil // pages, whose tools are described here
	case f == nil:
		_, err := space.ParseEngine("nodejs")
		return nil, fmt.Errorf("this is a program for Node.js: %w", err)
	}
	manager := packageManager(folder)
	f.Commands = []string{manager + " run build"}
	if m.Scripts["build"] == "" {
		f.Notes = append(f.Notes, "the package.json has no script `build`: add one, or write another command")
	}
	f.Notes = append(f.Notes, manager+" install, where that has not been done")
	return f, nil
}

// frontEnd recognises a framework and the folder that its build writes to, nil if there
// is none, or a server that renders.
func (m *manifest) frontEnd() *Finding {
	vite := m.depends("vite")
	if !vite && m.depends("express", "koa", "fastify", "@hapi/hapi", "@nestjs/core", "hono") {
		return nil
	}
	f := &Finding{}
	if vite || m.depends("@vue/cli-service") {
		f.Serve = "dist"
	}
	switch {
	case m.depends("react-scripts"):
		f.What, f.Engine, f.Serve = "a React front end", space.EngineReact, "build"
	case m.depends("react", "preact"):
		f.What, f.Engine = "a React front end", space.EngineReact
	case m.depends("vue", "@vue/cli-service"):
		f.What, f.Engine = "a Vue front end", space.EngineVue
	case m.depends("svelte"):
		f.What, f.Engine = "a Svelte front end", space.EngineSvelte
	case vite:
		f.What, f.Engine = "a front end", space.EngineStatic
	default:
		return nil
	}
	return f
}

// packageManager is the program that the project's lock file is of.
func packageManager(folder fs.FS) string {
	switch {
	case has(folder, "pnpm-lock.yaml"):
		return "pnpm"
	case has(folder, "yarn.lock"):
		return "yarn"
	case has(folder, "bun.lock", "bun.lockb"):
		return "bun"
	default:
		return "npm"
	}
}
