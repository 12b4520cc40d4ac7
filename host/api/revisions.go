package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// revisions lists those of an app that are kept.
func (a *api) revisions(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	all, err := a.Deployer.Revisions(c.Request().Context(), name)
	if err != nil {
		return err
	}
	answer := wire.Revisions{Revisions: []wire.Revision{}}
	for i, one := range all {
		answer.Revisions = append(answer.Revisions, describeRevision(one, all[i+1:]))
	}
	return c.JSON(http.StatusOK, answer)
}

// describeRevision compares a revision with the newest of those before it.
func describeRevision(one store.Deployment, before []store.Deployment) wire.Revision {
	r := one.Revision
	answer := wire.Revision{
		Revision: r.Number, Created: r.Created, Author: r.Author, Active: r.Number == one.App.Active,
		Micros: []string{}, Changes: []string{},
	}
	for _, m := range r.Micros {
		answer.Micros = append(answer.Micros, m.Name)
	}
	answer.Bytes = r.Bytes()
	switch {
	case len(before) > 0:
		answer.Changes = space.Changes(before[0].Revision.Micros, r.Micros)
	case r.Number == 1:
		answer.Changes = space.Changes(nil, r.Micros)
	}
	return answer
}

// rollback has an older revision answer again.
func (a *api) rollback(c echo.Context) error {
	const most = 4 << 10
	name, err := appName(c)
	if err != nil {
		return err
	}
	var asked wire.Rollback
	body := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, most))
	body.DisallowUnknownFields()
	if err := body.Decode(&asked); err != nil && !errors.Is(err, io.EOF) {
		return space.Errorf(space.CodeBadRequest, `the body is to be as {"revision": 3}, or empty for the revision before the one that answers: %v`, err)
	}
	if asked.Revision < 0 {
		return space.Errorf(space.CodeBadRequest, "revisions count from 1; there is no %d", asked.Revision)
	}
	app, err := a.Deployer.Rollback(c.Request().Context(), name, asked.Revision)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.describe(app))
}
