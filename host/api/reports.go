package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
)

// listReports answers why requests to an app have failed, the newest first.
func (a *api) listReports(c echo.Context) error {
	app, err := a.existing(c)
	if err != nil {
		return err
	}
	answer := wire.Reports{Reports: []reports.Summary{}, Counts: []reports.Count{}}
	all, counts := a.Reports.List(app)
	answer.Reports = append(answer.Reports, all...)
	answer.Counts = append(answer.Counts, counts...)
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, answer)
}

// report answers why one request has failed.
func (a *api) report(c echo.Context) error {
	app, err := a.existing(c)
	if err != nil {
		return err
	}
	id := c.Param("id")
	report, err := a.Reports.Get(app, id)
	if errors.Is(err, reports.ErrNotFound) {
		return space.Errorf(space.CodeNotFound, "there is no report %.40q: of failures that are alike one in a second is kept, for 14 days; "+
			"the log has them all: `spacewasm logs %s --request ID`", id, app)
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, report)
}
