package deploy

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/host/vault"
	"github.com/spacewasm/spacewasm/wasi"
)

// env returns a Micro's environment: the variables that Deta Space set, then its own.
// None of those has the name of one of the platform's or of a request's
// (see [space.ParseEnvName]).
func (d *Deployer) env(deployment store.Deployment, micro space.Micro) []string {
	app := deployment.App
	platform := []string{
		"DETA_API_KEY=" + app.APIKey,
		"DETA_PROJECT_KEY=" + app.Key,
		"DETA_RUNTIME=true",
		"DETA_SPACE_APP=true",
		"DETA_SPACE_APP_HOSTNAME=" + d.config.Hostname(app.Name),
		"DETA_SPACE_APP_MICRO_NAME=" + micro.Name,
		"DETA_SPACE_APP_MICRO_TYPE=" + micro.Type(),
		"DETA_SPACE_APP_VERSION=" + strconv.Itoa(deployment.Revision.Number),
		"PORT=8080", // Deta's; a CGI program has no use for it
	}
	own := map[string]string{}
	for _, preset := range micro.Env {
		if preset.Default != "" {
			own[preset.Name] = preset.Default
		}
	}
	maps.Copy(own, valuesFor(deployment, micro))
	return append(platform, lines(own)...)
}

// valuesFor are the values that the owner has set for a Micro: those of the whole app,
// and its own, which win. A static Micro reads none.
func valuesFor(deployment store.Deployment, micro space.Micro) map[string]string {
	if micro.IsStatic() {
		return nil
	}
	values := map[string]string{}
	maps.Copy(values, deployment.Env[""])
	maps.Copy(values, deployment.Env[micro.Name])
	return values
}

// secrets are the values that nobody but the app's owner may see: its keys, their secret
// halves, and those of all of its variables.
func secrets(deployment store.Deployment) []string {
	var all []string
	for _, key := range []string{deployment.App.Key, deployment.App.APIKey} {
		_, half, _ := strings.Cut(key, "_")
		all = append(all, key, half)
	}
	for _, values := range deployment.Env {
		all = slices.AppendSeq(all, maps.Values(values))
	}
	return slices.DeleteFunc(all, func(value string) bool { return value == "" })
}

// lines are KEY=value lines in the order of the keys.
func lines(values map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, name+"="+values[name])
	}
	return all
}

// open opens the variables of an app. If some do not open, it returns the deployment
// with the others, and an error for the app's owner.
func (d *Deployer) open(deployment store.Deployment) (store.Deployment, error) {
	deployment.Env = map[string]map[string]string{}
	var closed []string
	for _, v := range deployment.Variables {
		value, err := d.openValue(deployment.App.Name, v)
		if err != nil {
			closed = append(closed, v.Name)
			continue
		}
		if deployment.Env[v.Micro] == nil {
			deployment.Env[v.Micro] = map[string]string{}
		}
		deployment.Env[v.Micro][v.Name] = value
	}
	if len(closed) == 0 {
		return deployment, nil
	}
	return deployment, space.Errorf(space.CodeRefused,
		"the key file is not the one with which these variables were set: %s; restore it and start the server again, or set the values again with `spacewasm env`",
		strings.Join(closed, ", "))
}

func (d *Deployer) openValue(app space.AppName, v store.Variable) (string, error) {
	if d.config.Vault == nil {
		return "", vault.ErrClosed
	}
	return d.config.Vault.Open(placeOf(app, v), v.Sealed)
}

func placeOf(app space.AppName, v store.Variable) vault.Place {
	return vault.Place{App: string(app), Micro: v.Micro, Name: v.Name}
}

// hide puts the names of variables in the place of their values where a module is
// refused with what it said: that goes to logs, too.
func hide(err error, deployment store.Deployment, micro space.Micro) error {
	const short = 4 // such a value says little, and would be found everywhere
	refused, ok := errors.AsType[*wasi.RefusedError](err)
	values := valuesFor(deployment, micro)
	if !ok || len(values) == 0 {
		return err
	}
	// The longest first: a value may be a part of another.
	names := slices.SortedFunc(maps.Keys(values), func(a, b string) int { return len(values[b]) - len(values[a]) })
	hidden := wasi.RefusedError{Faults: slices.Clone(refused.Faults), Err: refused.Err}
	for i := range hidden.Faults {
		for _, name := range names {
			if value := values[name]; len(value) >= short {
				hidden.Faults[i] = strings.ReplaceAll(hidden.Faults[i], value, "["+name+"]")
			}
		}
	}
	return &hidden
}
