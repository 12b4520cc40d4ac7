package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// follow reads the events of a push up to the last, which says what came of it.
func (c *Client) follow(ctx context.Context, stream io.Reader, told func(wire.Event)) (wire.App, error) {
	bounded := &io.LimitedReader{R: stream}
	decoder := json.NewDecoder(bounded)
	for {
		bounded.N = maxAnswer // for each
		var e wire.Event
		if err := decoder.Decode(&e); err != nil {
			if ctx.Err() != nil {
				return wire.App{}, context.Cause(ctx)
			}
			return wire.App{}, fmt.Errorf("%s broke off before it said what became of the push (%w); `spacewasm ls` shows which revision is live", c.base, err)
		}
		switch {
		case e.Event == wire.EventDone && e.App != nil:
			return *e.App, nil
		case e.Event == wire.EventError && e.Problem != nil:
			return wire.App{}, &space.Error{Code: e.Problem.Code, Message: message(*e.Problem), Faults: e.Problem.Faults}
		case told != nil:
			told(e)
		}
	}
}
