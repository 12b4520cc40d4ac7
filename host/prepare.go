package host

import (
	"context"
	"errors"

	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/disk"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Prepare makes ready what a server with the same configuration needs for the apps
// of its data directory, so that it has nothing to prepare when it starts. No server
// may run there. done is told of each app.
func Prepare(ctx context.Context, config Config, done func(deploy.Prepared)) (err error) {
	if err := config.Check(); err != nil {
		return err
	}
	h := &Host{config: config}
	if h.store, err = store.Open(ctx, config.Data); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.store.Close()) }()
	if h.reserve, err = disk.Open(config.Data, config.Storage.Reserve); err != nil {
		return err
	}
	if err := h.share(); err != nil { // the limits are those that the node can give
		return err
	}
	if h.keys, err = openKeys(config); err != nil {
		return err
	}
	if h.engine, err = openEngine(ctx, config, h.keys.cache, h.reserve, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.engine.Close(context.WithoutCancel(ctx))) }()
	deployer := deploy.New(deploy.Config{
		Store: h.store, Engine: h.engine, Vault: h.keys.secrets, Limits: h.config.Limits, Node: h.node, Hostname: h.hostname, Logger: config.Logger,
		Log: func(space.AppName, string) runner.Log { return nil }, // nothing is asked
	})
	return deployer.PrepareAll(ctx, done)
}
