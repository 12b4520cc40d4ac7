package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

const (
	// maxAsked is how many files may be asked for at once, as many as a bundle has.
	maxAsked = 20_000
	// maxAskedBytes bounds the request for them.
	maxAskedBytes = 3 << 20
)

// missing answers which files a push has to send, because no kept revision of this app
// has them. It says nothing of other apps', nor whether the app is there.
func (a *api) missing(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	r := c.Request()
	if r.ContentLength > maxAskedBytes {
		return tooMuchAsked()
	}
	var wanted []space.Content
	err = a.arrive(c.Response(), r, func(body io.Reader) error {
		wanted, err = readContents(body)
		return err
	})
	if err != nil {
		e := *space.AsError(err)
		e.Unread = true
		return &e
	}
	missing, err := a.Deployer.Missing(r.Context(), name, wanted)
	if err != nil {
		return err
	}
	answer := wire.Missing{Missing: make([]string, len(missing))}
	for i, content := range missing {
		answer.Missing[i] = content.Hex()
	}
	return c.JSON(http.StatusOK, answer)
}

// readContents reads a [wire.Files].
func readContents(body io.Reader) ([]space.Content, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAskedBytes+1))
	if err != nil {
		if _, told := errors.AsType[*space.Error](err); told {
			return nil, err
		}
		return nil, &space.Error{Code: space.CodeBadRequest, Message: "the request broke off; send it again", Err: err}
	}
	if len(text) > maxAskedBytes {
		return nil, tooMuchAsked()
	}
	var asked wire.Files
	if err := json.Unmarshal(text, &asked); err != nil {
		return nil, space.Errorf(space.CodeBadRequest, `the body is not {"files": [{"sha256": "…", "size": 1}, …]}: %v`, err)
	}
	if len(asked.Files) > maxAsked {
		return nil, tooMuchAsked()
	}
	wanted := make([]space.Content, len(asked.Files))
	for i, file := range asked.Files {
		if wanted[i], err = space.ParseContent(file.SHA256, file.Size); err != nil {
			return nil, space.Errorf(space.CodeBadRequest, "files[%d]: %v", i, err)
		}
	}
	return wanted, nil
}

func tooMuchAsked() error {
	return space.Errorf(space.CodePayloadTooLarge, "that asks for more than %d files, or in more than %d bytes: push without asking", maxAsked, maxAskedBytes)
}
