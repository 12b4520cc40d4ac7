package api

import (
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// proof lets a client on this machine see that the server is the one whose token
// it has found, before it sends the token. The answer is bound to the address
// that the connection came to, which nobody in between can choose.
func (a *api) proof(c echo.Context) error {
	local, ok := c.Request().Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return space.Errorf(space.CodeNotFound, "the token is proven to clients on this machine only")
	}
	proof, err := a.Guard.Prove(c.QueryParam("nonce"), local.String())
	if err != nil {
		return space.Errorf(space.CodeBadRequest, "%v", err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, wire.Proof{Proof: proof, Open: isOwner(c)})
}
