package main

import (
	"context"
	"errors"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

const (
	// worthAsking is the weight of a project from which on it is asked what of it the
	// server has: smaller ones are sent before the answer is here.
	worthAsking = 256 << 10
	// maxAsked is how many files a server lets be asked for, as many as a bundle has.
	maxAsked = 20_000
)

// leaveOut finds the files of a project that the app has already, which then are not
// sent.
func (s *session) leaveOut(ctx context.Context, app space.AppName, p *project.Project, show *progress) error {
	if p == nil || p.Weight < worthAsking || len(p.Entries) > maxAsked {
		return nil
	}
	show.note("looking for changes…")
	found, err := p.Look(ctx)
	if err != nil {
		return err
	}
	asked := make([]wire.File, 0, len(found))
	for _, content := range found {
		asked = append(asked, wire.File{SHA256: content.Hex(), Size: content.Size})
	}
	missing, err := s.Missing(ctx, app, asked)
	if err != nil {
		return err
	}
	sent := map[string]bool{}
	for _, sum := range missing {
		sent[sum] = true
	}
	p.LeaveOut(func(content space.Content) bool { return !sent[content.Hex()] })
	return nil
}

// upload sends what the app has not, and shows how far it is.
func (s *session) upload(ctx context.Context, app space.AppName, load *upload, show *progress) (wire.App, error) {
	defer show.stop()
	if err := s.leaveOut(ctx, app, load.folder, show); err != nil {
		return wire.App{}, err
	}
	answer, err := s.send(ctx, app, load, show)
	if e, ok := errors.AsType[*space.Error](err); ok && e.Code == space.CodeNotHeld && load.folder != nil && load.folder.Unchanged() > 0 {
		// A revision has been dropped meanwhile.
		load.folder.LeaveOut(nil)
		show.note("the server has not kept the unchanged files; sending all")
		return s.send(ctx, app, load, show)
	}
	return answer, err
}

func (s *session) send(ctx context.Context, app space.AppName, load *upload, show *progress) (wire.App, error) {
	unchanged := int64(0)
	if load.folder != nil {
		unchanged = load.folder.Unchanged()
	}
	show.uploading(load.weight-unchanged, unchanged)
	body, err := load.open(show.add)
	if err != nil {
		return wire.App{}, err
	}
	defer body.Close()
	body = &watched{ReadCloser: body, ended: show.sent}
	kind, size := load.contentType, load.size
	if len(load.set) > 0 {
		if kind, body, size, err = client.Form(load.set, kind, body, size); err != nil {
			return wire.App{}, err
		}
	}
	return s.Push(ctx, app, kind, body, size, show.told)
}
