package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// visit is one thing that a client does.
type visit struct {
	name   string
	weight int // how often, among the others
	do     func(s *soak, app, nonce string) error
}

// choose picks a visit by weight.
func (s *soak) choose() int {
	total := 0
	for _, v := range s.visits {
		total += v.weight
	}
	left := rand.IntN(total)
	for i, v := range s.visits {
		if left -= v.weight; left < 0 {
			return i
		}
	}
	panic("unreachable")
}

// errBusy is an answer of 429 or 503, which says when to come back.
var errBusy = errors.New("the server is busy")

// visit pays a visit to one of the apps, and counts it if its answer was right.
func (s *soak) visit(i int, nonce string) error {
	v := s.visits[i]
	err := v.do(s, fmt.Sprint("soak", rand.IntN(soakApps)), nonce)
	switch {
	case errors.Is(err, errBusy):
		s.tally.add("busy")
		time.Sleep(50 * time.Millisecond)
		return nil
	case err != nil:
		return fmt.Errorf("%s, %s: %w", v.name, nonce, err)
	}
	s.tally.add(v.name)
	return nil
}

// visits are all there are.
func visits() []visit {
	return []visit{
		{"state", 40, func(s *soak, app, nonce string) error {
			target := fmt.Sprintf("/state?nonce=%s&ms=%d", nonce, rand.IntN(50))
			return s.wants(app, "GET", target, "", fmt.Sprintf("runs 1 files 0 mark %s error <nil>\n", nonce))
		}},
		{"counter", 60, func(s *soak, app, nonce string) error { return s.wants(app, "GET", "/counter/"+nonce, "", "1\n") }},
		{"echo", 60, func(s *soak, app, nonce string) error {
			blob := filled(nonce, rand.IntN(200<<10))
			return s.wants(app, "POST", "/echo", blob, blob)
		}},
		{"hello", 40, func(s *soak, app, nonce string) error {
			return s.wants(app, "GET", "/hello/"+nonce, "", fmt.Sprintf("Hello from %s.localhost:%s!\n", app, s.port))
		}},
		{"env", 60, seesItself},
		{"bundle", 40, func(s *soak, app, _ string) error {
			return s.wants(app, "GET", "/read?name=/who", "", app+"\nerror <nil>\n")
		}},
		{"large request", 4, func(s *soak, app, nonce string) error {
			blob := filled(nonce, 1<<20)
			return s.wants(app, "POST", "/sum", blob, fmt.Sprintf("%d %x <nil>\n", len(blob), sha256.Sum256([]byte(blob))))
		}},
		{"large echo", 4, func(s *soak, app, nonce string) error {
			blob := filled(nonce, 5<<20)
			return s.wants(app, "POST", "/echo", blob, blob)
		}},
		{"large answer", 4, func(s *soak, app, _ string) error {
			n := rand.IntN(5 << 20)
			return s.wants(app, "GET", fmt.Sprint("/bytes?n=", n), "", strings.Repeat("x", n))
		}},
		{"full /tmp", 4, func(s *soak, app, _ string) error {
			return s.wants(app, "GET", "/fill", "", "written 1048576\nsize 1048576\nfailed true\n")
		}},
		{"all descriptors", 4, func(s *soak, app, _ string) error {
			return s.wants(app, "GET", "/open", "", "some true, too many true\n")
		}},
		{"exit", 4, fails("/exit?status=3", http.StatusBadGateway, "exited")},
		{"panic", 4, fails("/panic", http.StatusBadGateway, "exited")},
		{"out of memory", 2, fails("/memory", http.StatusBadGateway, "out_of_memory")},
		{"spin", 1, fails("/spin", http.StatusGatewayTimeout, "deadline")},
		{"recurse", 1, stuck("/")},
		{"wait", 1, stuck("/wait")},
		{"snapshot", 60, initialised},
		{"trap", 4, faulty("/", http.StatusBadGateway, "crashed")},
		{"bad memory access", 4, faulty("/memory", http.StatusBadGateway, "crashed")},
		{"grow", 2, faulty("/grow", http.StatusBadGateway, "out_of_memory")},
		{"trap after the beginning", 2, cut("/late")},
		{"endless answer", 2, cut("/endless")},
		{"slow request", 4, slowRequest},
		{"slow reader", 2, slowReader},
		{"leave early", 4, leaveEarly},
		{"leave in the middle", 4, leaveInTheMiddle},
		{"half a request", 4, halfRequest},
	}
}

// stuck asks for what never ends.
func stuck(target string) func(s *soak, app, nonce string) error {
	return func(s *soak, _, nonce string) error {
		return fails(target, http.StatusGatewayTimeout, "deadline")(s, "stuck", nonce)
	}
}

// initialised asks a program that has initialised itself, which remembers that and
// nothing else.
func initialised(s *soak, _, nonce string) error {
	a, err := s.ask("ready", http.MethodGet, "/?"+nonce, nil)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("count 42 block 1 file none query %s seed %s clock on stdin open\n", nonce, s.seed)
	if a.status != http.StatusOK || a.body != want {
		return fmt.Errorf("%d %q, want %q", a.status, a.body, want)
	}
	return nil
}

// filled is n bytes more than the nonce, that are the nonce's own.
func filled(nonce string, n int) string {
	return nonce + strings.Repeat(nonce, n/len(nonce)+1)[:n]
}

// ask sends a request. What is no right answer to any request is an error.
func (s *soak) ask(app, method, target string, body io.Reader) (answer, error) {
	req, err := http.NewRequest(method, "http://"+app+".localhost:"+s.port+target, body)
	if err != nil {
		return answer{}, err
	}
	a, err := s.try(req)
	if err != nil {
		return a, err
	}
	return a, a.plausible()
}

// plausible says what is wrong with an answer of any server that is busy.
func (a answer) plausible() error {
	code := a.header.Get("X-Space-Error")
	switch {
	case a.status >= 500 && code == "":
		return fmt.Errorf("%d without a code: %.300q", a.status, a.body)
	case code == "queue_full" && a.status == http.StatusTooManyRequests, code == "node_full" && a.status == http.StatusServiceUnavailable:
		if a.header.Get("Retry-After") == "" {
			return fmt.Errorf("%d %s without Retry-After", a.status, code)
		}
		return errBusy
	}
	return nil
}

// wants asks for the one right answer.
func (s *soak) wants(app, method, target, body, want string) error {
	a, err := s.ask(app, method, target, strings.NewReader(body))
	if errors.Is(err, io.ErrUnexpectedEOF) && s.late(a.header.Get("X-Space-Request-Id")) {
		return errBusy // so that it could not be finished in time
	}
	if err == nil && (a.status != http.StatusOK || a.body != want) {
		err = a.wrong(method+" "+target, fmt.Sprintf("%.200q", want))
	}
	return err
}

// late tells whether the server has cut an answer off at its deadline, as it may
// where a hundred clients want more than the machine can do.
func (s *soak) late(id string) bool {
	for range 50 {
		for line := range strings.Lines(s.stderr.String()) {
			if id != "" && strings.Contains(line, "request="+id) {
				return strings.Contains(line, "code=deadline")
			}
		}
		time.Sleep(20 * time.Millisecond) // the line comes after the cut
	}
	return false
}

func (a answer) wrong(what, want string) error {
	return fmt.Errorf("%s, request %s: %d %s %.300q (%d bytes), want %s",
		what, a.header.Get("X-Space-Request-Id"), a.status, a.header.Get("X-Space-Error"), a.body, len(a.body), want)
}

// fails is a visit that ends with an error of the platform.
func fails(target string, status int, code string) func(*soak, string, string) error {
	return func(s *soak, app, _ string) error {
		a, err := s.ask(app, "GET", target, nil)
		if err == nil && (a.status != status || a.header.Get("X-Space-Error") != code) {
			err = a.wrong(target, code)
		}
		return err
	}
}

func faulty(target string, status int, code string) func(*soak, string, string) error {
	return func(s *soak, _, nonce string) error { return fails(target, status, code)(s, "faulty", nonce) }
}

// cut is a visit whose answer breaks off.
func cut(target string) func(*soak, string, string) error {
	return func(s *soak, _, _ string) error {
		a, err := s.ask("faulty", "GET", target, nil)
		switch {
		case errors.Is(err, errBusy):
			return err
		case err == nil:
			return a.wrong(target, "a connection that is cut")
		}
		return nil
	}
}

// seesItself asks a Micro for its environment: its own, of this request.
func seesItself(s *soak, app, nonce string) error {
	a, err := s.ask(app, "GET", "/env?"+nonce, nil)
	if err != nil {
		return err
	}
	for name, want := range map[string]string{
		"QUERY_STRING": nonce, "DETA_PROJECT_KEY": s.secrets[app], "DETA_SPACE_APP_MICRO_NAME": "env",
		"DETA_SPACE_APP_HOSTNAME": app + ".localhost:" + s.port, "REQUEST_METHOD": "GET",
	} {
		if variable(a.body, name) != want || strings.Count("\n"+a.body, "\n"+name+"=") != 1 {
			return a.wrong("/env", name+"="+want)
		}
	}
	return nil
}

// variable is the value of a variable among lines of NAME=value.
func variable(env, name string) string {
	_, value, _ := strings.Cut("\n"+env, "\n"+name+"=")
	value, _, _ = strings.Cut(value, "\n")
	return value
}

// dripping reads little at a time, with a pause before each.
type dripping struct {
	io.Reader
	pause time.Duration
}

func (d dripping) Read(p []byte) (int, error) {
	time.Sleep(d.pause)
	return d.Reader.Read(p[:min(len(p), 16<<10)])
}

func slowRequest(s *soak, app, nonce string) error {
	blob := filled(nonce, 160<<10)
	a, err := s.ask(app, "POST", "/echo", dripping{strings.NewReader(blob), 100 * time.Millisecond})
	if err == nil && (a.status != http.StatusOK || a.body != blob) {
		err = a.wrong("/echo", "the body")
	}
	return err
}

func slowReader(s *soak, app, _ string) error {
	res, err := s.open(context.Background(), app, "GET", "/bytes?n=200000", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(dripping{res.Body, 50 * time.Millisecond})
	a := answer{status: res.StatusCode, header: res.Header, body: string(body)}
	if busy := a.plausible(); err != nil || busy != nil {
		return errors.Join(err, busy)
	}
	if !bytes.Equal(body, bytes.Repeat([]byte("x"), 200_000)) {
		return a.wrong("/bytes", "200000 of x")
	}
	return nil
}

// open sends a request and leaves the answer's body to the caller.
func (s *soak) open(ctx context.Context, app, method, target string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+app+".localhost:"+s.port+target, body)
	if err != nil {
		return nil, err
	}
	return s.http.Do(req)
}

// leaveEarly does not wait for the answer.
func leaveEarly(s *soak, app, nonce string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(100))*time.Millisecond)
	defer cancel()
	res, err := s.open(ctx, app, "GET", "/state?ms=200&nonce="+nonce, nil)
	if err == nil {
		return res.Body.Close()
	}
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// leaveInTheMiddle takes some of a large answer only.
func leaveInTheMiddle(s *soak, app, _ string) error {
	res, err := s.open(context.Background(), app, "GET", "/bytes?n=5000000", nil)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, res.Body, rand.Int64N(1<<20))
	return res.Body.Close()
}

// halfRequest breaks off in the middle of a body.
func halfRequest(s *soak, app, nonce string) error {
	conn, err := s.dial()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conn, "POST /echo HTTP/1.1\r\nHost: %s.localhost:%s\r\nContent-Length: 100000\r\n\r\n%s", app, s.port, nonce)
	return errors.Join(err, conn.Close())
}
