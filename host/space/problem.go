package space

import "net/http"

// Problem is an [Error] as RFC 9457 "problem details", the body of every error
// that spacewasm answers a program with.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code is the value of the X-Space-Error header.
	Code Code `json:"code"`
	// ErrorID is what the owner looks for in the logs.
	ErrorID string  `json:"error_id,omitempty"`
	Faults  []Fault `json:"faults,omitempty"`
}

// Problem describes e for whoever asked; id is the request's. Nothing internal
// is in it.
func (e *Error) Problem(id string) Problem {
	status := e.Code.Status()
	return Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Message, Code: e.Code, ErrorID: id, Faults: e.Faults,
	}
}
