package api

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

func (a *api) listKeys(c echo.Context) error {
	app, err := a.existing(c)
	if err != nil {
		return err
	}
	keys, err := a.Keeper.AppKeys(c.Request().Context(), app)
	if err != nil {
		return err
	}
	answer := wire.Keys{Keys: []wire.Key{}}
	for _, key := range keys {
		answer.Keys = append(answer.Keys, wire.Key{Name: key.Name, Created: key.Created})
	}
	return c.JSON(http.StatusOK, answer)
}

func (a *api) createKey(c echo.Context) error {
	app, err := a.existing(c)
	if err != nil {
		return err
	}
	var wanted wire.NewKey
	if err := readJSON(c, &wanted); err != nil {
		return err
	}
	value, err := a.Keeper.CreateAppKey(c.Request().Context(), app, wanted.Name)
	if err != nil {
		return err
	}
	return secret(c, wanted.Name, value)
}

func (a *api) deleteKey(c echo.Context) error {
	app, err := a.existing(c)
	if err != nil {
		return err
	}
	if err := a.Keeper.DeleteAppKey(c.Request().Context(), app, nameOf(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// existing is the name of the path's app, which there has to be.
func (a *api) existing(c echo.Context) (space.AppName, error) {
	name, err := appName(c)
	if err != nil {
		return "", err
	}
	_, release, ok := a.Registry.Acquire(name)
	if !ok {
		return "", noApp(name)
	}
	release()
	return name, nil
}

// nameOf is the name at the end of the path.
func nameOf(c echo.Context) string { return parameter(c, "name") }

// parameter is a part of the path. echo leaves it escaped where the path was escaped in
// another way than Go's.
func parameter(c echo.Context, name string) string {
	value := c.Param(name)
	if plain, err := url.PathUnescape(value); err == nil && c.Request().URL.RawPath != "" {
		return plain
	}
	return value
}

// secret answers with what is shown once, and kept nowhere.
func secret(c echo.Context, name, value string) error {
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Location", c.Request().URL.Path+"/"+url.PathEscape(name))
	return c.JSON(http.StatusCreated, wire.Secret{Name: name, Value: value})
}
