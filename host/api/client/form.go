package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// Form is what [Client.Push] sends in place of a bundle, so that the revision comes with
// variables that are set for all Micros: its content type, its body, which closes the
// bundle's, and its size, -1 where that of the bundle is. Older servers refuse it.
func Form(set map[string]*string, contentType string, bundle io.ReadCloser, size int64) (string, io.ReadCloser, int64, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	env, err := part(form, wire.FormEnv, "application/json")
	if err == nil {
		err = json.NewEncoder(env).Encode(wire.EnvChange{Set: set})
	}
	if err == nil {
		_, err = part(form, wire.FormBundle, contentType)
	}
	if err != nil {
		return "", nil, 0, fmt.Errorf("make a form: %w", err)
	}
	tail := []byte("\r\n--" + form.Boundary() + "--\r\n")
	if size >= 0 {
		size += int64(head.Len() + len(tail))
	}
	body := &formBody{Reader: io.MultiReader(&head, bundle, bytes.NewReader(tail)), Closer: bundle}
	return form.FormDataContentType(), body, size, nil
}

func part(form *multipart.Writer, name, contentType string) (io.Writer, error) {
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", `form-data; name="`+name+`"`)
	h.Set("Content-Type", contentType)
	return form.CreatePart(h)
}

type formBody struct {
	io.Reader
	io.Closer
}
