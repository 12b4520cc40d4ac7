package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// part is one Micro with its compiled module and its open bundle, and with its
// snapshot once it has been initialised. A static one has none of these.
type part struct {
	micro space.Micro
	file  string // what the module is called in faults
	runner.Awake
}

// closeAll gives back the parts that did not become an app. What cannot be given
// back is lost to this process only.
func closeAll(ctx context.Context, parts []part) {
	for i := range parts {
		if parts[i].micro.IsStatic() {
			continue
		}
		_ = parts[i].Close(context.WithoutCancel(ctx))
	}
}

// build compiles and stores the Micros of a bundle, and collects the faults of
// all of them.
func (d *Deployer) build(ctx context.Context, file *space.Spacefile, staging *store.Staging) ([]part, error) {
	var parts []part
	var refused refusals
	for i := range file.Micros {
		p, err := d.buildMicro(ctx, file, i, staging)
		if err != nil && !refused.add(err) {
			closeAll(ctx, parts)
			return nil, err
		}
		if err == nil {
			parts = append(parts, p)
		}
	}
	if err := refused.err(); err != nil {
		closeAll(ctx, parts)
		return nil, err
	}
	return parts, nil
}

// refusals collects the faults of several Micros.
type refusals struct {
	faults []space.Fault
	causes error
}

// add takes a refusal, and tells whether err is one.
func (r *refusals) add(err error) bool {
	refused, ok := errors.AsType[*space.Error](err)
	if !ok || refused.Code != space.CodeRefused {
		return false
	}
	r.faults = append(r.faults, refused.Faults...)
	r.causes = errors.Join(r.causes, refused.Err)
	return true
}

// err is the refusal of all of them, nil if there is none.
func (r *refusals) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	refusal := space.Refuse(r.faults...)
	refusal.Err = r.causes
	return refusal
}

// microKey names a Micro in faults.
func microKey(i int) string { return fmt.Sprintf("micros[%d]", i) }

func (d *Deployer) buildMicro(ctx context.Context, file *space.Spacefile, i int, staging *store.Staging) (part, error) {
	key, spec := microKey(i), file.Micros[i]
	if info, err := staging.Files().Stat(spec.Src); err != nil || !info.IsDir() {
		return part{}, space.Refuse(space.Fault{
			File: space.SpacefileName, Line: spec.Line, Column: spec.Column, Key: key + ".src",
			Message: fmt.Sprintf("the folder %q of micro %q is not in the bundle", spec.Src, spec.Name),
		})
	}
	if spec.Engine.IsStatic() {
		return d.buildSite(file, i, staging)
	}
	size, err := d.measure(spec.Name, spec.Src, staging.Files())
	if err != nil {
		return part{}, err
	}
	code, err := readModule(staging.Files(), spec, key)
	if err != nil {
		return part{}, err
	}
	tell(ctx, Event{Stage: StageCompile, Micro: spec.Name})
	began := time.Now()
	named := fileKey(spec.Src, spec.Run[0])
	micro := spec.Micro()
	module, err := d.compile(ctx, d.config.Engine.Compile, code, named, micro)
	if err != nil {
		return part{}, err
	}
	took := time.Since(began)
	tell(ctx, Event{Stage: StageCompile, Micro: spec.Name, Done: true, Took: took})
	digest, err := staging.Publish(spec.Src)
	if err != nil {
		return part{}, errors.Join(err, module.Close(ctx))
	}
	bundle, err := d.config.Store.Blobs().Open(digest)
	if err != nil {
		return part{}, errors.Join(err, module.Close(ctx))
	}
	p := part{micro: micro, file: named, Awake: runner.Awake{Module: module, Bundle: bundle}}
	if p.micro.Databases, err = d.databases(ctx, &p, spec.Src); err != nil {
		return part{}, errors.Join(err, p.Close(context.WithoutCancel(ctx)))
	}
	micro = p.micro
	micro.Bundle, micro.BundleBytes, micro.Module = digest, size, module.Digest()
	micro.Contract, micro.MemoryBytes = string(module.Report().Contract), int64(module.Report().MemoryMin)
	micro.WasmBytes, micro.CompileTime = int64(len(code)), took
	p.micro = micro
	return p, nil
}

// measure returns the bytes of one Micro's files, which are in a folder, and holds
// their limit.
func (d *Deployer) measure(micro, folder string, files *os.Root) (int64, error) {
	var total int64
	err := fs.WalkDir(files.FS(), folder, func(_ string, entry fs.DirEntry, err error) error {
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
		return 0, fmt.Errorf("measure micro %s: %w", micro, err)
	}
	if limit := d.config.Limits.Bundle; total > limit {
		return 0, space.Errorf(space.CodePayloadTooLarge,
			"the files of micro %q have %d bytes; the limit is %d: leave out what it does not read, or raise --bundle",
			micro, total, limit)
	}
	return total, nil
}

func readModule(files *os.Root, spec space.MicroSpec, key string) ([]byte, error) {
	name := fileKey(spec.Src, spec.Run[0])
	info, err := files.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, space.Refuse(space.Fault{
			File: space.SpacefileName, Line: spec.Line, Column: spec.Column, Key: key + ".run",
			Message: fmt.Sprintf("the module %s is not in the bundle: build it first, or name another with `run`", name),
		})
	}
	code, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	return code, nil
}
