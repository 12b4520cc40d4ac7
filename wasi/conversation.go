package wasi

import (
	"context"
	"io"
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/internal/cgi"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
)

// conversation is one request and its response, in the words of a contract.
type conversation interface {
	// stdio returns the guest's environment before its own, its standard input, and
	// where its standard output goes.
	stdio() (env []string, in io.Reader, out io.Writer)
	// initialised takes what the guest has enabled when it initialised itself.
	initialised(features handler.Features)
	// run has the guest answer.
	run(ctx context.Context, i *Instance) error
	// Err is what went wrong with the response, nil if nothing did.
	Err() error
	// Committed tells whether part of the response has been sent.
	Committed() bool
	// Close sends the rest, after the guest has ended well.
	Close() error
}

// converse begins a conversation of the instance's contract. onError is called once,
// when there can be no response any more.
func (i *Instance) converse(w http.ResponseWriter, r *http.Request, stderr io.Writer, onError func(error)) conversation {
	if i.guest.compiled.report.Contract == ContractHandler {
		config := handler.Config{Log: stderr, Limit: i.limits.Response}
		return &calls{Exchange: handler.New(w, r, config, onError), log: stderr}
	}
	return &program{Response: cgi.NewResponse(w, r, i.limits.Response, onError), request: r}
}

// program is the conversation of the contract "cgi".
type program struct {
	*cgi.Response
	request *http.Request
}

func (p *program) stdio() ([]string, io.Reader, io.Writer) {
	return cgi.Env(p.request, p.request.ContentLength), p.request.Body, p.Response
}

func (p *program) initialised(handler.Features) {}

func (p *program) run(ctx context.Context, i *Instance) error {
	_, err := i.guest.call(ctx, i.process, i.guest.compiled.report.entry)
	return err
}

// calls is the conversation of the contract "handler".
type calls struct {
	*handler.Exchange
	log io.Writer
}

func (c *calls) stdio() ([]string, io.Reader, io.Writer) { return nil, nil, c.log }

func (c *calls) initialised(features handler.Features) { c.Enable(features) }

func (c *calls) run(ctx context.Context, i *Instance) error {
	ctx = handler.With(ctx, c.Exchange)
	return c.Run(func(name string, params ...uint64) (uint64, error) {
		return i.guest.call(ctx, i.process, name, params...)
	})
}
