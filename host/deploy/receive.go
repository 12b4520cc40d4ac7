package deploy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// form is what a bundle comes as.
type form string

const (
	formWasm form = "application/wasm"
	formZip  form = "application/zip"
	formGzip form = "application/gzip"
)

// receive unpacks the bundle into files and returns its Spacefile. Nothing is
// held in memory but one buffer, and the directory of a zip. take is asked before
// bytes go to the disk. An error of body that is a [*space.Error] is the upload's.
func (d *Deployer) receive(ctx context.Context, name space.AppName, media string, body io.Reader, staging *store.Staging, take func(n int64) error) (*space.Spacefile, error) {
	input := &received{Reader: body, over: ctx.Err}
	buffered := bufio.NewReaderSize(input, 64<<10)
	kind, err := recognise(media, buffered)
	if err != nil {
		return nil, err
	}
	u := &unpacker{
		files: staging.Files(), spool: staging.Spool, take: take, refer: d.referrer(ctx, name, staging).put,
		limit: d.config.Limits.Bundle * space.MaxMicros, entries: d.config.Limits.BundleEntries,
	}
	switch kind {
	case formWasm:
		u.limit = d.config.Limits.Bundle
		err = u.module(buffered)
	case formZip:
		err = u.zip(buffered)
	case formGzip:
		err = u.tarGzip(buffered)
	}
	if err == nil {
		err = finish(buffered)
	}
	if why, ok := errors.AsType[*space.Error](input.err); ok {
		return nil, why
	}
	if input.err != nil {
		e := space.Errorf(space.CodeBadRequest, "the upload broke off; send it again")
		e.Err = input.err
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	tell(ctx, Event{Stage: StageReceived, Bytes: u.written})
	return describe(name, staging.Files())
}

// finish reads what follows an archive, which is little: only of a body that has ended
// does the server learn that the client goes.
func finish(body io.Reader) error {
	const most = 1 << 20
	if _, err := io.CopyN(io.Discard, body, most); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// received remembers that the upload failed, as opposed to what it holds. It
// ends with the context.
type received struct {
	io.Reader
	over func() error // why the request is over, nil while it is not
	err  error
}

func (r *received) Read(p []byte) (int, error) {
	if err := r.over(); err != nil {
		r.err = err
		return 0, err
	}
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// recognise decides what the bundle is: by its content type where that is one of
// ours, by its first bytes otherwise (curl sends a form's type unless told).
func recognise(media string, body *bufio.Reader) (form, error) {
	kind, _, _ := mime.ParseMediaType(media)
	switch kind {
	case string(formWasm), string(formZip):
		return form(kind), nil
	case string(formGzip), "application/x-gzip", "application/x-gtar", "application/x-tgz":
		return formGzip, nil
	}
	magic, err := body.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return formWasm, nil // reading on meets the error again
	}
	switch {
	case len(magic) == 0:
		return "", space.Refuse(space.Fault{Message: "the request has no body: send a .wasm module, a zip or a tar.gz"})
	case bytes.HasPrefix(magic, []byte("\x00asm")):
		return formWasm, nil
	case bytes.HasPrefix(magic, []byte("PK")):
		return formZip, nil
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		return formGzip, nil
	}
	return "", space.Refuse(space.Fault{Message: fmt.Sprintf(
		"the body (content type %q) is neither a .wasm module, nor a zip, nor a tar.gz", media)})
}

// describe reads the Spacefile, or implies the one of a lone main.wasm.
func describe(name space.AppName, files *os.Root) (*space.Spacefile, error) {
	info, err := files.Stat(space.SpacefileName)
	if errors.Is(err, os.ErrNotExist) {
		if err := space.CheckMisnamed(files.FS()); err != nil {
			return nil, err
		}
		if _, err := files.Stat(space.DefaultModule); err != nil {
			return nil, space.Refuse(space.Fault{Message: fmt.Sprintf(
				"the bundle has neither a %s nor a %s at its root", space.SpacefileName, space.DefaultModule)})
		}
		return space.ImpliedSpacefile(name), nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return nil, space.Refuse(space.Fault{File: space.SpacefileName, Message: "is not a small text file"})
	}
	text, err := files.ReadFile(space.SpacefileName)
	if err != nil {
		return nil, err
	}
	return space.ParseSpacefile(text)
}
