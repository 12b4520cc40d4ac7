package api

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/space"
)

// uploadOf is the upload that the body of a push brings: the bundle itself, or a form with
// variables before it, which only an admin sets.
func uploadOf(media string, body io.Reader, caller access.Caller) (deploy.Upload, error) {
	upload := deploy.Upload{Media: media, Author: caller.Name, Body: body}
	kind, params, err := mime.ParseMediaType(media)
	if err != nil || kind != "multipart/form-data" {
		return upload, nil //nolint:nilerr // what it is else is looked at with its content
	}
	if !caller.Admin {
		return upload, space.Errorf(space.CodeForbidden, "the token %q may push, but set no variables: that needs an admin's", caller.Name)
	}
	form := multipart.NewReader(body, params["boundary"])
	first, err := form.NextRawPart()
	if err != nil {
		return upload, malformedForm(err)
	}
	if first.FormName() != wire.FormEnv {
		return upload, malformedForm(errors.New("another part comes first"))
	}
	change, err := decodeChange(http.MaxBytesReader(nil, first, maxChange))
	if err != nil {
		return upload, err
	}
	if len(change.Unset) > 0 {
		return upload, space.Errorf(space.CodeBadRequest, "a push sets variables; it unsets none")
	}
	bundle, err := form.NextRawPart()
	if err != nil {
		return upload, malformedForm(err)
	}
	if bundle.FormName() != wire.FormBundle {
		return upload, malformedForm(errors.New("another part comes second"))
	}
	upload.Env, upload.Media = change.Set, bundle.Header.Get("Content-Type")
	upload.Body = &lastPart{part: bundle, form: form, body: body}
	return upload, nil
}

// malformedForm is the error of a form that is not ours, or that broke off.
func malformedForm(err error) error {
	if why, ok := errors.AsType[*space.Error](err); ok {
		return why
	}
	e := space.Errorf(space.CodeBadRequest, "a push with variables is a form of two parts, %s with {\"set\": {NAME: VALUE}} and then %s with the bundle",
		wire.FormEnv, wire.FormBundle)
	e.Err = err
	return e
}

// lastPart reads a part to its end, and with it all of the form's body: only then has the
// upload come as a whole.
type lastPart struct {
	part *multipart.Part
	form *multipart.Reader
	body io.Reader
}

func (p *lastPart) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if _, err := p.form.NextRawPart(); !errors.Is(err, io.EOF) {
		return n, malformedForm(errors.Join(errors.New("there is more than the bundle"), err))
	}
	const most = 1 << 10 // of an epilogue, which nobody writes
	if _, err := io.CopyN(io.Discard, p.body, most); err != nil {
		return n, err // the end
	}
	return n, malformedForm(errors.New("something follows the form"))
}
