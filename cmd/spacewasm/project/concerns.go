package project

import (
	"path/filepath"
	"slices"

	"github.com/spacewasm/spacewasm/host/space"
)

// Concerns tells whether a Micro of the project is to be built again for these files: for
// its own, and for what is no Micro's, such as a go.mod that they share.
func (p *Project) Concerns(m space.MicroSpec, changed []string) bool {
	return slices.ContainsFunc(changed, func(name string) bool {
		name = filepath.ToSlash(name)
		if name == EnvName || name == IgnoreName {
			return false
		}
		return name == space.SpacefileName || within(name, m.Src) ||
			!slices.ContainsFunc(p.Spec().Micros, func(m space.MicroSpec) bool { return within(name, m.Src) })
	})
}
