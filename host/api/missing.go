package api

import (
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
	var asked wire.Files
	if err := readJSONOf(c, &asked, maxAskedBytes); err != nil {
		return err
	}
	if len(asked.Files) > maxAsked {
		return space.Errorf(space.CodePayloadTooLarge, "that asks for %d files; the limit is %d: push without asking", len(asked.Files), maxAsked)
	}
	wanted := make([]space.Content, len(asked.Files))
	for i, file := range asked.Files {
		if wanted[i], err = space.ParseContent(file.SHA256, file.Size); err != nil {
			return space.Errorf(space.CodeBadRequest, "files[%d]: %v", i, err)
		}
	}
	missing, err := a.Deployer.Missing(c.Request().Context(), name, wanted)
	if err != nil {
		return err
	}
	answer := wire.Missing{Missing: make([]string, len(missing))}
	for i, content := range missing {
		answer.Missing[i] = content.Hex()
	}
	return c.JSON(http.StatusOK, answer)
}
