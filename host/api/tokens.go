package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

func (a *api) listTokens(c echo.Context) error {
	tokens, err := a.Keeper.Tokens(c.Request().Context())
	if err != nil {
		return err
	}
	answer := wire.Tokens{Tokens: []wire.Token{}}
	for _, token := range tokens {
		answer.Tokens = append(answer.Tokens, wire.Token{Name: token.Name, App: string(token.App), Created: token.Created})
	}
	return c.JSON(http.StatusOK, answer)
}

// createToken makes a token. The app of a deploy token may be one that its first push
// is to make.
func (a *api) createToken(c echo.Context) error {
	var wanted wire.NewToken
	if err := readJSON(c, &wanted); err != nil {
		return err
	}
	var app space.AppName
	if wanted.App != nil {
		var err error
		if app, err = space.ParseAppName(*wanted.App); err != nil {
			return space.Errorf(space.CodeBadRequest, "%v", err)
		}
	}
	value, err := a.Keeper.CreateToken(c.Request().Context(), wanted.Name, app)
	if err != nil {
		return err
	}
	return secret(c, wanted.Name, value)
}

func (a *api) revokeToken(c echo.Context) error {
	if err := a.Keeper.RevokeToken(c.Request().Context(), nameOf(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
