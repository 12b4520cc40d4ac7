package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const twoOfAKind = `v: 0
micros:
  - {name: web, src: web, engine: wasm, primary: true, public: true}
  - {name: api, src: api, engine: wasm, public: true}
`

// numbered is an app of two Micros that answer with their environment, and whose code
// has a number.
func numbered(t *testing.T, number int) []byte {
	t.Helper()
	module := bytes.Replace(guest("env"), []byte("Content-Type: text/plain\n\n"), fmt.Appendf(nil, "Status: 200\nX-N: %07d\n\n", number), 1)
	if bytes.Equal(module, guest("env")) {
		t.Fatal("the guest has another header")
	}
	return zipped(t, map[string]string{
		"Spacefile": twoOfAKind, "web/main.wasm": string(module), "api/main.wasm": string(module), "api/of": "api",
	})
}

// whole checks that an answer is that of one revision, and returns its number.
func whole(a answer) (int, error) {
	var number int
	_, err := fmt.Sscanf(a.header.Get("X-N"), "%d", &number)
	if version := environment(a.body)["DETA_SPACE_APP_VERSION"]; a.status != http.StatusOK || err != nil || version != fmt.Sprint(number) {
		return 0, fmt.Errorf("%d %v of revision %s: %.300s", a.status, a.header, version, a.body)
	}
	return number, nil
}

// visitors asks the Micros of an app all the time, at a pace that leaves the machine
// time for pushes.
type visitors struct {
	wg      sync.WaitGroup
	end     chan struct{}
	answers atomic.Int64
	oldest  atomic.Int64 // an answer may come from
}

func (s *server) visit(t *testing.T, app string) *visitors {
	v := &visitors{end: make(chan struct{})}
	for _, target := range []string{"/", "/api", "/", "/api"} {
		v.wg.Go(func() {
			pace := time.NewTicker(2 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-v.end:
					return
				case <-pace.C:
				}
				oldest := v.oldest.Load()
				a, err := s.try(s.request(http.MethodGet, app, target, nil))
				if err == nil {
					var number int
					if number, err = whole(a); err == nil && int64(number) < oldest {
						err = fmt.Errorf("revision %d answers after %d", number, oldest)
					}
				}
				if err != nil {
					t.Errorf("%s: %v", target, err)
					return
				}
				v.answers.Add(1)
			}
		})
	}
	return v
}

func (v *visitors) stop() int64 {
	close(v.end)
	v.wg.Wait()
	return v.answers.Load()
}

// listed are the revisions that the command line lists.
func (s *server) listed(app string) (numbers []int, active int) {
	s.t.Helper()
	out, _ := s.console(0, "revisions", app, "--json")
	var list struct {
		Revisions []struct {
			Revision int
			Active   bool
			Changes  []string
		}
	}
	must(s.t, json.Unmarshal([]byte(out), &list))
	for _, r := range list.Revisions {
		numbers = append(numbers, r.Revision)
		if r.Active {
			active = r.Revision
		}
	}
	return numbers, active
}

// Fifty pushes, while others ask for both Micros all the time: no request fails, each
// answer is of one revision as a whole, and the ten newest stay, to be gone back to.
func TestE2ERevisions(t *testing.T) {
	const pushes, kept = 50, 10
	s := serve(t)
	s.pushed("app", "application/zip", numbered(t, 1))
	v := s.visit(t, "app")
	for n := 2; n <= pushes; n++ {
		if d := s.pushed("app", "application/zip", numbered(t, n)); d.Revision != n {
			t.Fatalf("push %d is revision %d", n, d.Revision)
		}
		v.oldest.Store(int64(n))
	}
	numbers, active := s.listed("app")
	if len(numbers) != kept || numbers[0] != pushes || numbers[kept-1] != pushes-kept+1 || active != pushes {
		t.Errorf("listed %v, of which %d answers", numbers, active)
	}
	s.until("the files of dropped revisions to be gone", func() bool { return len(glob(t, s.data, "blobs/*")) == 2*kept })

	v.oldest.Store(1)
	for _, back := range []int{49, 41} { // whose code is kept, and whose is not
		out, errs := s.console(0, "rollback", "app", fmt.Sprint(back))
		contains(t, errs, fmt.Sprintf("revision %d is live", back))
		contains(t, out, "http://app.")
		if n, err := whole(s.get("app", "/api")); err != nil || n != back {
			t.Errorf("after a rollback to %d revision %d answers, %v", back, n, err)
		}
	}
	_, errs := s.console(1, "rollback", "app", "40")
	contains(t, errs, "no revision 40", "41, 42", "49, 50")
	_, errs = s.console(1, "rollback", "app")
	contains(t, errs, "no revision", "before 41")
	if n := v.stop(); n < pushes {
		t.Errorf("only %d requests", n)
	}

	s.stop()
	s = serveData(t, s.data)
	if n, err := whole(s.get("app", "/")); err != nil || n != 41 {
		t.Errorf("after a restart revision %d answers, %v", n, err)
	}
	if d := s.pushed("app", "application/zip", numbered(t, pushes+1)); d.Revision != pushes+1 {
		t.Errorf("the push after a rollback is revision %d", d.Revision)
	}
	numbers, active = s.listed("app")
	if len(numbers) != kept || numbers[0] != pushes+1 || active != pushes+1 {
		t.Errorf("listed %v, of which %d answers", numbers, active)
	}
	s.console(0, "rollback", "app")
	if n, err := whole(s.get("app", "/")); err != nil || n != pushes {
		t.Errorf("the revision before is %d, %v", n, err)
	}
	out, _ := s.console(0, "revisions", "app")
	if !strings.Contains(out, "50 *") || strings.Count(out, "code of web changed, code of api changed") != kept-1 {
		t.Errorf("listed\n%s", out)
	}
}
