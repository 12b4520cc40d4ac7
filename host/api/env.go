package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/space"
)

// maxChange bounds the body of a change of variables, in bytes: more than the values
// may have, however they are escaped.
const maxChange = 1 << 20

// env lists an app's variables, with their values only if they are asked for.
func (a *api) env(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	reveal := false
	if text := c.QueryParam("reveal"); text != "" {
		if reveal, err = strconv.ParseBool(text); err != nil {
			return space.Errorf(space.CodeBadRequest, "reveal is true or false, not %q", text)
		}
	}
	return a.answerEnv(c, name, reveal, nil)
}

func (a *api) answerEnv(c echo.Context, name space.AppName, reveal bool, snapshots []string) error {
	all, err := a.Deployer.Variables(c.Request().Context(), name, c.QueryParam("micro"))
	if err != nil {
		return err
	}
	answer := wire.Env{Variables: []wire.Variable{}, Snapshots: snapshots}
	for _, v := range all {
		described := wire.Variable{
			Name: v.Name, Micro: v.Micro, Set: v.Set, Changed: v.Changed, Declared: v.Declared,
			Description: v.Description, Default: v.Default, Closed: v.Closed,
		}
		if reveal && v.Set && !v.Closed {
			described.Value = &v.Value
		}
		answer.Variables = append(answer.Variables, described)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, answer)
}

// changeEnv changes an app's variables; see package deploy.
func (a *api) changeEnv(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	change, err := readChange(c.Response(), c.Request())
	if err != nil {
		return err
	}
	change.Micro = c.QueryParam("micro")
	snapshots, err := a.Deployer.ChangeEnv(c.Request().Context(), name, change)
	if err != nil {
		return err
	}
	return a.answerEnv(c, name, false, snapshots)
}

// readChange reads a change of variables. No error repeats what stands in it, as that
// may be a secret in the wrong place.
func readChange(w http.ResponseWriter, r *http.Request) (deploy.EnvChange, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return deploy.EnvChange{}, space.Errorf(space.CodeBadRequest, "the change is to be sent as application/json")
	}
	return decodeChange(http.MaxBytesReader(w, r.Body, maxChange))
}

// decodeChange is readChange of a body of at most maxChange bytes.
func decodeChange(body io.Reader) (deploy.EnvChange, error) {
	change := deploy.EnvChange{Set: map[string]string{}}
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	var sent *wire.EnvChange
	err := decoder.Decode(&sent)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(errors.New("there is more"), more)
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return change, space.Errorf(space.CodePayloadTooLarge, "the change is larger than %d bytes", maxChange)
	}
	malformed := space.Errorf(space.CodeBadRequest, `the change is to be one JSON object {"set": {NAME: VALUE}, "unset": [NAME]}, with values that are strings`)
	if err != nil || sent == nil {
		return change, malformed
	}
	for name, value := range sent.Set {
		if value == nil {
			return change, malformed
		}
		change.Set[name] = *value
	}
	change.Unset = sent.Unset
	return change, nil
}
