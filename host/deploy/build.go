package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// part is one Micro with its compiled module and its open bundle.
type part struct {
	micro  space.Micro
	module *wasi.Module
	bundle *os.Root
}

// closeAll gives back the parts that did not become an app. What cannot be given
// back is lost to this process only.
func closeAll(ctx context.Context, parts []part) {
	for _, p := range parts {
		_ = p.module.Close(context.WithoutCancel(ctx))
		_ = p.bundle.Close()
	}
}

// build compiles and stores the Micros of a bundle, and collects the faults of
// all of them.
func (d *Deployer) build(ctx context.Context, file *space.Spacefile, staging *store.Staging) ([]part, error) {
	var parts []part
	var faults []space.Fault
	var causes error
	for i, spec := range file.Micros {
		p, err := d.buildMicro(ctx, i, spec, staging)
		refused, ok := errors.AsType[*space.Error](err)
		switch {
		case err == nil:
			parts = append(parts, p)
		case ok && refused.Code == space.CodeRefused:
			faults = append(faults, refused.Faults...)
			causes = errors.Join(causes, refused.Err)
		default:
			closeAll(ctx, parts)
			return nil, err
		}
	}
	if len(faults) > 0 {
		closeAll(ctx, parts)
		refusal := space.Refuse(faults...)
		refusal.Err = causes
		return nil, refusal
	}
	return parts, nil
}

func (d *Deployer) buildMicro(ctx context.Context, i int, spec space.MicroSpec, staging *store.Staging) (part, error) {
	key := fmt.Sprintf("micros[%d]", i)
	if info, err := staging.Files().Stat(spec.Src); err != nil || !info.IsDir() {
		return part{}, space.Refuse(space.Fault{
			File: space.SpacefileName, Line: spec.Line, Key: key + ".src",
			Message: fmt.Sprintf("the folder %q of micro %q is not in the bundle", spec.Src, spec.Name),
		})
	}
	size, err := d.measure(spec, staging.Files())
	if err != nil {
		return part{}, err
	}
	code, err := readModule(staging.Files(), spec, key)
	if err != nil {
		return part{}, err
	}
	began := time.Now()
	module, err := d.compile(ctx, code, fileKey(spec.Src, spec.Run[0]))
	if err != nil {
		return part{}, err
	}
	took := time.Since(began)
	digest, err := staging.Publish(spec.Src)
	if err != nil {
		return part{}, errors.Join(err, module.Close(ctx))
	}
	bundle, err := d.config.Store.Blobs().Open(digest)
	if err != nil {
		return part{}, errors.Join(err, module.Close(ctx))
	}
	return part{module: module, bundle: bundle, micro: space.Micro{
		Name: spec.Name, Path: spec.Path, Primary: spec.Primary, Public: spec.Public,
		Run: spec.Run, Bundle: digest, BundleBytes: size, Contract: string(module.Report().Contract),
		NoSnapshot: module.Report().Snapshot,
		WasmBytes:  int64(len(code)), CompileTime: took,
	}}, nil
}

// measure returns the bytes of one Micro's files, and holds their limit.
func (d *Deployer) measure(spec space.MicroSpec, files *os.Root) (int64, error) {
	var total int64
	err := fs.WalkDir(files.FS(), spec.Src, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure micro %s: %w", spec.Name, err)
	}
	if limit := d.config.Limits.Bundle; total > limit {
		return 0, space.Errorf(space.CodePayloadTooLarge,
			"the files of micro %q have %d bytes; the limit is %d: leave out what it does not read, or raise --bundle",
			spec.Name, total, limit)
	}
	return total, nil
}

func readModule(files *os.Root, spec space.MicroSpec, key string) ([]byte, error) {
	name := fileKey(spec.Src, spec.Run[0])
	info, err := files.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, space.Refuse(space.Fault{
			File: space.SpacefileName, Line: spec.Line, Key: key + ".run",
			Message: fmt.Sprintf("the module %s is not in the bundle: build it first, or name another with `run`", name),
		})
	}
	code, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	return code, nil
}

// compile makes the module ready, or refuses it in the name of its file.
func (d *Deployer) compile(ctx context.Context, code []byte, file string) (*wasi.Module, error) {
	module, err := d.config.Engine.Compile(ctx, code)
	if err == nil {
		err = module.Report().Fits(uint64(d.config.Limits.Memory))
		if err != nil {
			err = errors.Join(err, module.Close(ctx))
		}
	}
	if errors.Is(err, wasi.ErrInterrupted) {
		return nil, &space.Error{Code: space.CodeInternal, Message: wasi.ErrInterrupted.Error(), Err: err}
	}
	refused, ok := errors.AsType[*wasi.RefusedError](err)
	if !ok {
		return module, err
	}
	var faults []space.Fault
	for _, fault := range refused.Faults {
		faults = append(faults, space.Fault{File: file, Message: fault})
	}
	refusal := space.Refuse(faults...)
	refusal.Err = refused.Err
	return nil, refusal
}
