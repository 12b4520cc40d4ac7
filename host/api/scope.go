package api

import (
	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/space"
)

// callerKey is where echo's context has the caller.
const callerKey = "caller"

// admin lets only requests with a token pass that may do all; nothing has been read
// of the others' bodies then.
func (a *api) admin(next echo.HandlerFunc) echo.HandlerFunc {
	return a.scoped(next, func(_ echo.Context, caller access.Caller) error {
		if !caller.Admin {
			return space.Errorf(space.CodeForbidden, "the token %q may deploy the app %s and nothing else: this needs an admin's", caller.Name, caller.App)
		}
		return nil
	})
}

// deployer lets also those pass that may deploy the app of the path.
func (a *api) deployer(next echo.HandlerFunc) echo.HandlerFunc {
	return a.scoped(next, func(c echo.Context, caller access.Caller) error {
		if !caller.MayDeploy(space.AppName(c.Param("app"))) {
			return space.Errorf(space.CodeForbidden, "the token %q may deploy the app %s only", caller.Name, caller.App)
		}
		return nil
	})
}

// anyone lets every request with a token pass.
func (a *api) anyone(next echo.HandlerFunc) echo.HandlerFunc {
	return a.scoped(next, func(echo.Context, access.Caller) error { return nil })
}

func (a *api) scoped(next echo.HandlerFunc, reaches func(echo.Context, access.Caller) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller, ok := a.Guard.Who(c.Request())
		if !ok && isOwner(c) {
			caller, ok = access.Caller{Name: access.OwnerOf(c.Request().Context()), Admin: true}, true
		}
		if !ok {
			c.Response().Header().Set("WWW-Authenticate", `Bearer realm="spacewasm"`)
			return space.Errorf(space.CodeUnauthorized,
				"the token is missing or wrong: send it as `Authorization: Bearer TOKEN`; the server keeps the admin's in the file token of its data directory")
		}
		if err := reaches(c, caller); err != nil {
			return err
		}
		c.Set(callerKey, caller)
		return next(c)
	}
}

// isOwner tells whether who asks is the owner without a token of it.
func isOwner(c echo.Context) bool { return access.OwnerOf(c.Request().Context()) != "" }

// callerOf is who has come past the guard.
func callerOf(c echo.Context) access.Caller {
	caller, _ := c.Get(callerKey).(access.Caller)
	return caller
}
