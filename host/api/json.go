package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxJSON bounds a body that is read whole, in bytes.
const maxJSON = 64 << 10

// readJSON reads the body of a request into v: one JSON object without a field that v
// does not have. The content type is demanded as no form of a foreign page can send
// it unasked.
func readJSON(c echo.Context, v any) error { return readJSONOf(c, v, maxJSON) }

// readJSONOf is readJSON of a body of at most so many bytes.
func readJSONOf(c echo.Context, v any, most int64) error {
	r := c.Request()
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return unread(space.CodeBadRequest, "the body has the content type %.80q: send JSON, with `Content-Type: application/json`", r.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return unread(space.CodePayloadTooLarge, "the body has more than %d bytes", most)
	}
	if err != nil {
		e := unread(space.CodeBadRequest, "the body broke off, or came too slowly: send it again")
		e.Err = err
		return e
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return notJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return space.Errorf(space.CodeBadRequest, "the body goes on after its JSON object")
	}
	return nil
}

// notJSON says what is wrong with a body, in the words of JSON rather than of Go.
func notJSON(err error) error {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if kind.Field == "" {
			return space.Errorf(space.CodeBadRequest, "the body is a JSON %s: want an object", kind.Value)
		}
		return space.Errorf(space.CodeBadRequest, "%q is a JSON %s: want a %s", kind.Field, kind.Value, kind.Type.Kind())
	}
	if errors.Is(err, io.EOF) {
		return space.Errorf(space.CodeBadRequest, "the body is empty: want a JSON object")
	}
	return space.Errorf(space.CodeBadRequest, "the body: %.200s", strings.TrimPrefix(err.Error(), "json: "))
}

// unread is an error before which the body has not been read to its end.
func unread(code space.Code, format string, args ...any) *space.Error {
	e := space.Errorf(code, format, args...)
	e.Unread = true
	return e
}
