package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Variable is what there is to know of a variable of an app, or of one of its Micros.
type Variable struct {
	space.EnvPreset
	Micro    string // "" for all Micros of the app
	Declared bool   // by the Micro's author
	Set      bool   // by the app's owner
	// Value is the value that is set, which is a secret. Closed says that it cannot be
	// read any more, as the key file is another.
	Value   string
	Closed  bool
	Changed time.Time
}

// Variables lists an app's variables: those that are set for all of its Micros, then
// each Micro's, by name. With micro it lists what that one has.
func (d *Deployer) Variables(ctx context.Context, name space.AppName, micro string) ([]Variable, error) {
	deployment, err := d.current(ctx, name)
	if err != nil {
		return nil, err
	}
	if micro != "" && !knows(deployment, micro) {
		return nil, noMicro(name, micro)
	}
	opened, _ := d.open(deployment) // each that did not open says so
	all := slices.DeleteFunc(list(opened), func(v Variable) bool {
		return micro != "" && v.Micro != "" && v.Micro != micro
	})
	slices.SortStableFunc(all, func(a, b Variable) int {
		return cmp.Or(strings.Compare(a.Micro, b.Micro), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

// list returns what is set, then what is only declared.
func list(deployment store.Deployment) []Variable {
	var all []Variable
	for _, v := range deployment.Variables {
		value, ok := deployment.Env[v.Micro][v.Name]
		all = append(all, Variable{
			EnvPreset: space.EnvPreset{Name: v.Name}, Micro: v.Micro, Set: true, Value: value, Closed: !ok, Changed: v.Changed,
		})
	}
	for _, micro := range deployment.Revision.Micros {
		for _, preset := range micro.Env {
			i := slices.IndexFunc(all, func(v Variable) bool { return v.Micro == micro.Name && v.Name == preset.Name })
			if i < 0 {
				i = len(all)
				all = append(all, Variable{Micro: micro.Name})
			}
			all[i].EnvPreset, all[i].Declared = preset, true
		}
	}
	return all
}

// current is an app as it is stored, with its variables closed.
func (d *Deployer) current(ctx context.Context, name space.AppName) (store.Deployment, error) {
	deployment, err := d.config.Store.Current(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return deployment, noApp(name)
	}
	return deployment, store.Explain(err)
}

// knows tells whether an app has a Micro of this name, or had one for which something
// is set still.
func knows(deployment store.Deployment, micro string) bool {
	return has(deployment, micro) ||
		slices.ContainsFunc(deployment.Variables, func(v store.Variable) bool { return v.Micro == micro })
}

func has(deployment store.Deployment, micro string) bool {
	return slices.ContainsFunc(deployment.Revision.Micros, func(m space.Micro) bool { return m.Name == micro })
}

func noMicro(app space.AppName, micro string) error {
	return space.Errorf(space.CodeNotFound, "the app %q has no Micro %q", app, micro)
}

// EnvChange is a change of the variables of an app, or of one of its Micros.
type EnvChange struct {
	Micro string // "" for all Micros of the app
	Set   map[string]string
	Unset []string
}

// check refuses a change that cannot be, with all that is wrong with it. No message has
// a value in it.
func (c EnvChange) check(was store.Deployment) error {
	if c.Micro != "" && !has(was, c.Micro) && (len(c.Set) > 0 || !knows(was, c.Micro)) {
		return noMicro(was.App.Name, c.Micro)
	}
	var faults []space.Fault
	fault := func(key string, err error) { faults = append(faults, space.Fault{Key: key, Message: err.Error()}) }
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		if _, err := space.ParseEnvName(name); err != nil {
			fault("set", err)
		}
		if err := space.CheckEnvValue(c.Set[name]); err != nil {
			fault("set."+name, err)
		}
	}
	for _, name := range c.Unset {
		_, both := c.Set[name]
		switch {
		case both:
			fault("unset", fmt.Errorf("%q is to be set, too", name))
		case !slices.ContainsFunc(was.Variables, func(v store.Variable) bool { return v.Micro == c.Micro && v.Name == name }):
			fault("unset", fmt.Errorf("%q is not set%s", name, c.where()))
		}
	}
	if len(faults) > 0 {
		return space.Refuse(faults...)
	}
	return nil
}

// where says what a change is of.
func (c EnvChange) where() string {
	if c.Micro == "" {
		return " for the whole app; name the Micro for which it is"
	}
	return fmt.Sprintf(" for the Micro %q", c.Micro)
}

// plan works out what an app will be after the change, with its variables closed, and
// what of that is to be recorded: nothing, if all is so already.
func (d *Deployer) plan(was store.Deployment, c EnvChange) (next store.Deployment, record store.Change, err error) {
	if err := c.check(was); err != nil {
		return next, record, err
	}
	opened, _ := d.open(was)
	next = was
	next.App.Settings++
	next.Variables = nil
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, v := range was.Variables {
		_, set := c.Set[v.Name]
		switch {
		case v.Micro != c.Micro || !set && !slices.Contains(c.Unset, v.Name):
			next.Variables = append(next.Variables, v)
		case !set:
			record.Unset = append(record.Unset, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		v := store.Variable{Micro: c.Micro, Name: name, Changed: now}
		if v.Sealed, err = d.seal(was.App.Name, v, c.Set[name]); err != nil {
			return next, record, err
		}
		next.Variables = append(next.Variables, v)
		if old, is := opened.Env[c.Micro][name]; !is || old != c.Set[name] {
			record.Set = append(record.Set, v)
		}
	}
	return next, record, nil
}

func (d *Deployer) seal(app space.AppName, v store.Variable, value string) ([]byte, error) {
	if d.config.Vault == nil {
		return nil, errors.New("there is no key to seal variables with")
	}
	return d.config.Vault.Seal(placeOf(app, v), value)
}

// checkBounds refuses more variables than an app, and larger ones than a Micro, may have.
func checkBounds(next store.Deployment) error {
	if n := len(next.Variables); n > space.MaxVariables {
		return space.Errorf(space.CodeRefused, "the app would have %d variables; there may be %d: unset some", n, space.MaxVariables)
	}
	for _, micro := range append([]space.Micro{{}}, next.Revision.Micros...) {
		total := 0
		for name, value := range valuesFor(next, micro) {
			total += len(name) + len(value) + len("=\x00")
		}
		if total > space.MaxEnvironment {
			return space.Errorf(space.CodeRefused, "the variables would have %d bytes together; a Micro may have %d: put what is large into a file of the bundle",
				total, space.MaxEnvironment)
		}
	}
	return nil
}
