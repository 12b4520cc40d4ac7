package deploy

import (
	"context"

	"github.com/spacewasm/spacewasm/host/store"
)

// planPush works out what an app will be with an upload, but for its Micros, and the
// variables that are to be recorded with it.
func (d *Deployer) planPush(ctx context.Context, u Upload, parts []part) (store.Deployment, []store.Variable, error) {
	planned, err := d.config.Store.Plan(ctx, u.App)
	if err != nil {
		return planned, nil, err
	}
	planned.Revision.Author = u.Author
	if len(u.Env) == 0 {
		planned, err = d.open(planned)
		return planned, nil, err
	}
	next, record, err := d.plan(planned, EnvChange{Set: u.Env})
	if err != nil {
		return planned, nil, err
	}
	planned.Variables = next.Variables
	if planned, err = d.open(planned); err != nil {
		return planned, nil, err
	}
	bounded := planned
	for _, p := range parts {
		bounded.Revision.Micros = append(bounded.Revision.Micros, p.micro)
	}
	return planned, record.Set, checkBounds(bounded)
}
