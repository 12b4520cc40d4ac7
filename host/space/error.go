package space

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Code names a platform error for machines; it is the value of the
// X-Space-Error header.
type Code string

// The codes, each with one status (see [Code.Status]).
const (
	CodeUnauthorized       Code = "unauthorized"
	CodeForbidden          Code = "forbidden"
	CodeNotFound           Code = "not_found"
	CodeMethodNotAllowed   Code = "method_not_allowed"
	CodeMisdirected        Code = "misdirected"
	CodeBadRequest         Code = "bad_request"
	CodePayloadTooLarge    Code = "payload_too_large"
	CodeNotHeld            Code = "not_held"
	CodeRefused            Code = "refused"
	CodeQueueFull          Code = "queue_full"
	CodeTooManyAttempts    Code = "too_many_attempts"
	CodeNodeFull           Code = "node_full"
	CodeUpgradeUnsupported Code = "upgrade_unsupported"
	CodeCrashed            Code = "crashed"
	CodeExited             Code = "exited"
	CodeOutOfMemory        Code = "out_of_memory"
	CodeBadResponse        Code = "bad_response"
	CodeResponseTooLarge   Code = "response_too_large"
	CodeDeadline           Code = "deadline"
	CodePreparing          Code = "preparing"
	CodeBuildFailed        Code = "build_failed" // of a developer's own server
	CodeStorage            Code = "insufficient_storage"
	CodeClientGone         Code = "client_gone"
	CodeInternal           Code = "internal"
)

// CodeAnswered is of reports alone: the Micro has answered with a status of 500 or more
// itself, and the platform has passed that on.
const CodeAnswered Code = "answered_5xx"

// Codes are all errors of the platform's that there are.
func Codes() []Code {
	return []Code{
		CodeUnauthorized, CodeForbidden, CodeNotFound, CodeMethodNotAllowed, CodeMisdirected, CodeBadRequest, CodePayloadTooLarge,
		CodeNotHeld, CodeRefused, CodeQueueFull, CodeTooManyAttempts, CodeNodeFull, CodeUpgradeUnsupported, CodeCrashed, CodeExited,
		CodeOutOfMemory, CodeBadResponse, CodeResponseTooLarge, CodeDeadline, CodePreparing, CodeBuildFailed, CodeStorage,
		CodeClientGone, CodeInternal,
	}
}

// Status is the HTTP status of a code. This is the only table from one to the
// other.
func (c Code) Status() int {
	switch c {
	case CodeBadRequest:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbidden:
		return http.StatusForbidden
	case CodeNotFound:
		return http.StatusNotFound
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case CodePayloadTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeNotHeld:
		return http.StatusConflict
	case CodeMisdirected:
		return http.StatusMisdirectedRequest
	case CodeRefused:
		return http.StatusUnprocessableEntity
	case CodeQueueFull, CodeTooManyAttempts:
		return http.StatusTooManyRequests
	case CodeClientGone:
		// 499 is nginx's; nobody receives it, it only stands in the log.
		return 499
	case CodeUpgradeUnsupported:
		return http.StatusNotImplemented
	case CodeCrashed, CodeExited, CodeOutOfMemory, CodeBadResponse, CodeResponseTooLarge:
		return http.StatusBadGateway
	case CodeNodeFull, CodePreparing, CodeBuildFailed:
		return http.StatusServiceUnavailable
	case CodeDeadline:
		return http.StatusGatewayTimeout
	case CodeStorage:
		return http.StatusInsufficientStorage
	default:
		return http.StatusInternalServerError
	}
}

// Words is what a code means to the owner of the Micro that failed, in a few words.
func (c Code) Words() string {
	switch c {
	case CodeCrashed:
		return "the program crashed"
	case CodeExited:
		return "the program ended with an error of its own"
	case CodeOutOfMemory:
		return "the program ran out of memory"
	case CodeBadResponse:
		return "what the program wrote is no response"
	case CodeResponseTooLarge:
		return "the program answered more than it may"
	case CodeDeadline:
		return "the program took too long"
	case CodeAnswered:
		return "the program answered with an error of its own"
	case CodeQueueFull:
		return "the Micro had no place free"
	case CodeNodeFull:
		return "the server had no place free"
	case CodeInternal:
		return "the server failed"
	default:
		return strings.ReplaceAll(string(c), "_", " ")
	}
}

// Error is an error with a code that machines act on and a message that
// whoever asked may read.
type Error struct {
	Code    Code
	Message string
	// Faults lists what is wrong with a refused bundle.
	Faults []Fault
	// Detail is for the owner's log only: a wasm stack trace, an exit status.
	Detail string
	// Words are the last lines that the guest wrote before it failed, for the owner's
	// report only.
	Words []string
	// Committed says that part of a response has been sent, so that the only
	// honest way to report the error is to cut the connection.
	Committed bool
	// Unread says that the rest of the request's body is on its way, and nobody is
	// going to read it.
	Unread bool
	// Err is the internal cause. It is logged and never shown.
	Err error
}

// Fault is one thing that is wrong with a bundle.
type Fault struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`   // from 1; 0 where lines mean nothing
	Column  int    `json:"column,omitempty"` // in characters, from 1; 0 where it is not known
	Key     string `json:"key,omitempty"`    // for example micros[0].name
	Message string `json:"message"`
}

// String formats a fault as file:line:column: key: message.
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		if f.Line > 0 && f.Column > 0 {
			fmt.Fprintf(&b, ":%d", f.Column)
		}
		b.WriteString(": ")
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	return b.String() + f.Message
}

// Errorf makes an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Internal wraps an error whose text nobody outside may see.
func Internal(err error) *Error {
	return &Error{Code: CodeInternal, Message: "the server failed; its log says why", Err: err}
}

// Refuse makes the error of a bundle that has faults.
func Refuse(faults ...Fault) *Error {
	if len(faults) == 1 {
		return &Error{Code: CodeRefused, Message: faults[0].String(), Faults: faults}
	}
	lines := make([]string, len(faults))
	for i, f := range faults {
		lines[i] = f.String()
	}
	return &Error{
		Code:    CodeRefused,
		Message: fmt.Sprintf("%d faults:\n%s", len(faults), strings.Join(lines, "\n")),
		Faults:  faults,
	}
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// AsError finds the Error in err's chain; an error without one becomes an
// internal error. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Internal(err)
}
