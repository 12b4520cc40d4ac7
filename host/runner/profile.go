package runner

import (
	"context"
	"errors"

	"github.com/spacewasm/spacewasm/wasi"
)

// ErrProfiling says that a Micro is profiled already.
var ErrProfiling = errors.New("the Micro is being profiled already")

// Profile samples what the Micro does from now until ctx ends. Requests go on, in instances
// that report to the profile: idle ones give way to them, and they to others afterwards. It
// wakes nobody: what nobody asks for has no samples.
func (m *Micro) Profile(ctx context.Context) (wasi.Profiled, error) {
	var profile wasi.Profile
	if !m.profile.CompareAndSwap(nil, &profile) {
		return wasi.Profiled{}, ErrProfiling
	}
	m.instances.Shrink()
	<-ctx.Done()
	m.profile.Store(nil)
	m.instances.Shrink()
	return profile.Stop(), nil
}
