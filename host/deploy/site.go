package deploy

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/static"
	"github.com/spacewasm/spacewasm/host/store"
)

// siteIdle is how long a static Micro that nobody asks for keeps its files open.
const siteIdle = 60 * time.Second

// buildSite stores the folder that a static Micro is served from.
func (d *Deployer) buildSite(file *space.Spacefile, i int, staging *store.Staging) (part, error) {
	key, spec := microKey(i), file.Micros[i]
	folder, ok := serveFolder(spec, staging.Files())
	if !ok {
		return part{}, space.Refuse(space.Fault{
			File: space.SpacefileName, Line: spec.Line, Column: spec.Column, Key: key + ".serve",
			Message: fmt.Sprintf("the bundle has no folder %s of micro %q: build it first (`commands`), or name another with `serve`",
				strings.Join(spec.ServeFolders(), " or "), spec.Name),
		})
	}
	if spec.Fallback != "" {
		if info, err := staging.Files().Stat(path.Join(folder, spec.Fallback)); err != nil || !info.Mode().IsRegular() {
			return part{}, space.Refuse(space.Fault{
				File: space.SpacefileName, Line: spec.Line, Column: spec.Column, Key: key + ".fallback",
				Message: fmt.Sprintf("there is no file %q in %s", spec.Fallback, folder),
			})
		}
	}
	size, err := d.measure(spec.Name, folder, staging.Files())
	if err != nil {
		return part{}, err
	}
	digest, err := staging.Publish(folder)
	if err != nil {
		return part{}, err
	}
	micro := spec.Micro()
	micro.Hidden = notTheirs(file, folder)
	micro.Bundle, micro.BundleBytes, micro.Contract = digest, size, contractStatic
	return part{micro: micro}, nil
}

// contractStatic is what stands for a contract where there is no module.
const contractStatic = "static"

// serveFolder is the first of the folders that is there.
func serveFolder(spec space.MicroSpec, files *os.Root) (string, bool) {
	for _, folder := range spec.ServeFolders() {
		if info, err := files.Stat(folder); err == nil && info.IsDir() {
			return folder, true
		}
	}
	return "", false
}

// notTheirs lists what of a served folder belongs to others: a site at the root of its
// project holds the Spacefile and the other Micros' modules.
func notTheirs(file *space.Spacefile, folder string) []string {
	inside := func(name string) (string, bool) {
		if folder == "." {
			return name, name != "."
		}
		return strings.CutPrefix(name, folder+"/")
	}
	var hidden []string
	if name, ok := inside(space.SpacefileName); ok {
		hidden = append(hidden, name)
	}
	for _, other := range file.Micros {
		if name, ok := inside(other.Src); ok && !slices.Contains(other.ServeFolders(), folder) {
			hidden = append(hidden, name)
		}
		if len(other.Run) > 0 {
			if name, ok := inside(path.Join(other.Src, other.Run[0])); ok {
				hidden = append(hidden, name)
			}
		}
	}
	return hidden
}

// server makes the live Micro of a revision. awake is nil for one that sleeps; a static
// one has none.
func (d *Deployer) server(deployment store.Deployment, micro space.Micro, awake *runner.Awake) registry.Server {
	if micro.IsStatic() {
		return static.New(static.Config{
			Files:    func() (*os.Root, error) { return d.openSite(micro) },
			Fallback: micro.Fallback, Hidden: micro.Hidden, Public: micro.Public, Idle: siteIdle,
		})
	}
	config := d.configure(deployment, micro)
	config.Awake = awake
	return runner.New(config)
}

// openSite opens the files of a static Micro.
func (d *Deployer) openSite(micro space.Micro) (*os.Root, error) {
	root, err := d.openBundle(micro)
	if errors.Is(err, errNoBundle) {
		return nil, &space.Error{Code: space.CodePreparing, Message: "the app's files are gone; its owner has to push it again", Err: err}
	}
	return root, err
}
