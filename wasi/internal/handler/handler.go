// Package handler is the "handler" contract: the http-wasm handler ABI
// (https://http-wasm.io/http-handler-abi). A guest, which has initialised itself,
// exports handle_request and handle_response, and asks its host for the request and
// sets the response by the functions of module http_handler.
//
// What the ABI leaves to a host: trailers are not offered, as the platform drops
// them both ways; nobody learns a client's address; and wrong use is a trap.
package handler

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
)

// ModuleName is the module from which guests import.
const ModuleName = "http_handler"

// The functions that a guest exports.
const (
	HandleRequest  = "handle_request"  // () -> i64
	HandleResponse = "handle_response" // (i32, i32) -> ()
)

// Features are what a guest can ask for beyond the simplest of hosts.
type Features uint32

// The features there are. Trailers (4) are not offered.
const (
	// BufferRequest leaves the request's body to the next handler after the guest has
	// read it.
	BufferRequest Features = 1 << iota
	// BufferResponse lets the guest change the response of the next handler.
	BufferResponse

	offered = BufferRequest | BufferResponse
)

// phase is where an exchange has come to.
type phase int

const (
	initialising phase = iota // there is no request
	before                    // handle_request runs
	after                     // handle_response runs, the next handler has answered
)

// Exchange is one request, and its response, as a guest sees them; or the guest's
// initialisation, in which there is neither. It is used by one goroutine at a time.
type Exchange struct {
	phase    phase
	features Features
	log      io.Writer
	next     http.Handler

	request *http.Request // as the next handler is to see it
	changed bool          // the guest has set another body for it
	body    []byte        // which is this

	out      *answer.Response
	limit    int64
	status   int
	header   fields
	held     []byte // the response's body, until it is sent
	replaced bool   // the guest has begun to write it
	read     int    // how much of it the guest has read
}

// Config is what exchanges are made of.
type Config struct {
	// Log takes the guest's messages, a line each.
	Log io.Writer
	// Limit bounds the response's body, in bytes.
	Limit int64
	// Next answers what the guest leaves to it; nil is a 404.
	Next http.Handler
}

// Initialise returns the exchange of a guest that initialises itself.
func Initialise(log io.Writer) *Exchange { return &Exchange{log: log} }

// New returns the exchange of a request, whose body must be in memory. onError is
// called once, when there can be no response any more.
func New(w http.ResponseWriter, r *http.Request, config Config, onError func(error)) *Exchange {
	x := &Exchange{
		phase: before, log: config.Log, next: config.Next,
		request: r.WithContext(r.Context()), out: answer.New(w, r, config.Limit, onError), limit: config.Limit, header: fields{},
	}
	if r.ContentLength > 0 && r.Header.Get("Content-Length") == "" {
		// It came in chunks, and its length is known now.
		x.request.Header = maps.Clone(r.Header)
		x.request.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return x
}

// Features are those that the guest has enabled.
func (x *Exchange) Features() Features { return x.features }

// Enable enables what the guest had when it initialised itself.
func (x *Exchange) Enable(features Features) { x.features |= features & offered }

// Run has the guest answer the request: call calls a function that it exports, and
// returns its first result.
func (x *Exchange) Run(call func(name string, params ...uint64) (uint64, error)) error {
	result, err := call(HandleRequest)
	if err != nil {
		return err
	}
	if err := x.Err(); err != nil {
		return err
	}
	const done, goOn = 0, 1
	switch next := uint32(result); next {
	case done:
		return nil
	case goOn:
	default:
		return x.out.Fail(answer.Badf("%s returns %d for next, which is 0 or 1", HandleRequest, next))
	}
	x.ask()
	x.phase = after
	const noError = 0
	_, err = call(HandleResponse, result>>32, noError)
	return err
}

// Committed tells whether part of the response has been handed to the client.
func (x *Exchange) Committed() bool { return x.out.Committed() }

// Err is what went wrong with the response, nil if nothing did.
func (x *Exchange) Err() error { return x.out.Err() }

// Close sends what there is of the response, after the guest has ended well. An
// error means that nothing was sent, unless [Exchange.Committed].
func (x *Exchange) Close() error {
	if err := x.begin(); err != nil {
		return err
	}
	return x.out.Close()
}

type exchangeKey struct{}

// With returns the context to call a guest with whose exchange x is.
func With(ctx context.Context, x *Exchange) context.Context {
	return exchangeContext{ctx, x}
}

// exchangeContext carries an exchange to the host functions, which ask for it at
// every call.
type exchangeContext struct {
	context.Context //nolint:containedctx // it is a context
	exchange        *Exchange
}

// Value implements [context.Context].
func (c exchangeContext) Value(key any) any {
	if key == (exchangeKey{}) {
		return c.exchange
	}
	return c.Context.Value(key)
}

// misuse is the trap of a guest that does what the ABI does not allow.
func misuse(format string, args ...any) { panic(fmt.Errorf("http_handler: "+format, args...)) }
