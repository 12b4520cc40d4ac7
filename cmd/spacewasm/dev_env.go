package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/joho/godotenv"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/api/wire"
)

// setVariables gives the variables that the Spacefile declares their values of the
// environment, or of the file .env, as Deta's CLI did. Others have none.
func (d *developing) setVariables(ctx context.Context, p *project.Project) error {
	values, err := d.variableValues(p)
	if err != nil {
		return err
	}
	was := d.values
	if was == nil { // a server that has run before has them still
		env, err := d.api.Env(ctx, d.name, "", false)
		if err != nil {
			return d.api.explain(err)
		}
		was = map[string]*string{}
		for _, v := range env.Variables {
			if v.Set && v.Micro == "" {
				was[v.Name] = nil
			}
		}
	}
	change := wire.EnvChange{Set: map[string]*string{}}
	for name, value := range values {
		if old := was[name]; old == nil || *old != *value {
			change.Set[name] = value
		}
	}
	for name := range was {
		if values[name] == nil {
			change.Unset = append(change.Unset, name)
		}
	}
	if len(change.Set)+len(change.Unset) > 0 {
		if _, err := d.api.ChangeEnv(ctx, d.name, "", change); err != nil {
			return d.api.explain(err)
		}
	}
	d.values = values
	return nil
}

// variableValues are the values that there are of the variables that are declared.
func (d *developing) variableValues(p *project.Project) (map[string]*string, error) {
	file := map[string]string{}
	text, err := os.ReadFile(filepath.Join(d.dir, project.EnvName)) //nolint:gosec // the developer's own
	if err == nil {
		file, err = godotenv.UnmarshalBytes(text)
		if err != nil {
			return nil, fmt.Errorf("%s is not a file of NAME=value lines", project.EnvName) // its error quotes values
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	values := map[string]*string{}
	for _, m := range p.Spec().Micros {
		for _, preset := range m.Env {
			value, ok := d.lookupEnv(preset.Name)
			if !ok {
				value, ok = file[preset.Name]
			}
			if ok {
				values[preset.Name] = &value
			}
		}
	}
	return values, nil
}
