package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// compile has get make the module ready, or refuses it in the name of its file.
func (d *Deployer) compile(
	ctx context.Context, get func(context.Context, []byte) (*wasi.Module, error), code []byte, file string, micro space.Micro,
) (*wasi.Module, error) {
	module, err := get(ctx, code)
	if err == nil {
		err = module.Report().Fits(uint64(d.config.Limits.Within(micro.Limits).Memory))
		if err != nil {
			err = errors.Join(err, module.Close(ctx))
		}
	}
	if err != nil {
		return nil, refusal(err, file)
	}
	return module, nil
}

// refusal words an error of preparing a module for its owner.
func refusal(err error, file string) error {
	if errors.Is(err, wasi.ErrInterrupted) {
		return &space.Error{Code: space.CodeInternal, Message: wasi.ErrInterrupted.Error(), Err: err}
	}
	if errors.Is(err, wasi.ErrNoDisk) {
		return &space.Error{Code: space.CodeStorage, Message: wasi.ErrNoDisk.Error() + ": free some, or lower --disk-reserve", Err: err}
	}
	refused, ok := errors.AsType[*wasi.RefusedError](err)
	if !ok {
		return err
	}
	var faults []space.Fault
	for _, fault := range refused.Faults {
		faults = append(faults, space.Fault{File: file, Message: fault})
	}
	refusal := space.Refuse(faults...)
	refusal.Err = refused.Err
	return refusal
}

// initialise takes the snapshots of the parts as those of a revision, in place of
// what they have, and collects the faults of all of them.
func (d *Deployer) initialise(ctx context.Context, deployment store.Deployment, parts []part) error {
	var refused refusals
	for i := range parts {
		p := &parts[i]
		initialise := func(ctx context.Context, i wasi.Initialisation) (*wasi.Snapshot, error) {
			return p.Module.Initialise(ctx, i)
		}
		tell(ctx, Event{Stage: StageSnapshot, Micro: p.micro.Name})
		err := d.snapshot(ctx, initialise, deployment, p)
		if err != nil && !refused.add(err) {
			return err
		}
		if m := p.micro; err == nil {
			tell(ctx, Event{
				Stage: StageSnapshot, Micro: m.Name, Done: true, Took: m.InitialiseTime, Bytes: m.SnapshotBytes, Reason: m.NoSnapshot,
			})
		}
	}
	return refused.err()
}

// snapshot has get take the snapshot of a part, in place of what it has.
func (d *Deployer) snapshot(
	ctx context.Context, get func(context.Context, wasi.Initialisation) (*wasi.Snapshot, error),
	deployment store.Deployment, p *part,
) error {
	if p.micro.IsStatic() {
		return nil
	}
	if err := p.Snapshot.Close(); err != nil {
		return err
	}
	p.Snapshot = nil
	s, err := get(ctx, d.initialisation(deployment, p.micro, &p.Awake))
	if err != nil {
		return refusal(hide(err, deployment, p.micro), p.file)
	}
	p.Snapshot = s
	p.micro.NoSnapshot, p.micro.SnapshotBytes = s.Reason(), int64(s.Bytes())
	p.micro.InitialiseTime, p.micro.Drew = s.Took(), s.Drew()
	return nil
}

// initialisation says how a Micro is to initialise itself.
func (d *Deployer) initialisation(deployment store.Deployment, micro space.Micro, awake *runner.Awake) wasi.Initialisation {
	config := d.configure(deployment, micro)
	return wasi.Initialisation{
		Owner: d.owner(deployment, micro), Bundle: string(micro.Bundle),
		Code:    func() ([]byte, error) { return awake.Bundle.ReadFile(micro.Run[0]) },
		Timeout: config.Limits.Timeout, Instance: config.Instance(awake),
	}
}

// owner names whose snapshot it is: that of a revision's Micro with the values that its
// variables have, so that the one of other values is somebody else's.
func (d *Deployer) owner(deployment store.Deployment, micro space.Micro) string {
	name := fmt.Sprintf("%s %d %s", deployment.App.Name, deployment.Revision.Number, micro.Name)
	if set := lines(valuesFor(deployment, micro)); len(set) > 0 {
		name += " " + d.config.Vault.Mark(set)
	}
	return name
}

// logInitialisers puts what the initialisers said into the Micros' logs.
func (d *Deployer) logInitialisers(app space.AppName, parts []part) {
	for _, p := range parts {
		if p.micro.IsStatic() || p.Snapshot.Log() == "" {
			continue
		}
		log := d.config.Log(app, p.micro.Name).Open(space.NewRequestID())
		_, err := fmt.Fprintln(log, p.Snapshot.Log())
		if err := errors.Join(err, log.Close()); err != nil {
			d.config.Logger.Warn("cannot log what an initialiser said", "app", app, "micro", p.micro.Name, "error", err)
		}
	}
}
