package reports

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

const (
	suffix     = ".json"
	countsName = "counts" + suffix
)

// shelf is an app's reports. Its methods are called with the store's mu held.
type shelf struct {
	root    *os.Root
	app     string
	reports map[string]*filed // by id
	counts  map[space.Code]Count
}

// filed is a report that is kept.
type filed struct {
	Summary
	size int64
}

func (s *Store) shelf(app space.AppName) *shelf {
	h, ok := s.shelves[app]
	if !ok {
		h = &shelf{root: s.root, app: string(app), reports: map[string]*filed{}, counts: map[space.Code]Count{}}
		s.shelves[app] = h
	}
	return h
}

// load lists what an earlier process left. What is no report, such as what a crash left of one, is deleted.
func (s *Store) load() error {
	dirs, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("list reports: %w", err)
	}
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		h := s.shelf(space.AppName(dir.Name()))
		files, err := fs.ReadDir(s.root.FS(), dir.Name())
		if err != nil {
			return fmt.Errorf("list the reports of %s: %w", dir.Name(), err)
		}
		for _, file := range files {
			if err := h.load(file.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *shelf) load(name string) error {
	if name == countsName {
		// Counts that cannot be read begin anew.
		if data, err := h.root.ReadFile(h.path(name)); err == nil {
			_ = json.Unmarshal(data, &h.counts)
		}
		return nil
	}
	id, isReport := strings.CutSuffix(name, suffix)
	if isReport {
		r, err := h.read(id)
		if err == nil && r.ID == id {
			info, err := h.root.Stat(h.path(name))
			if err == nil {
				h.reports[id] = &filed{r.Summary, info.Size()}
				return nil
			}
		}
	}
	if err := h.root.RemoveAll(h.path(name)); err != nil {
		return fmt.Errorf("clear up the reports of %s: %w", h.app, err)
	}
	return nil
}

func (h *shelf) path(name string) string { return path.Join(h.app, name) }

func (h *shelf) has(id string) bool { return h.reports[id] != nil }

func (h *shelf) read(id string) (Report, error) {
	var r Report
	data, err := h.root.ReadFile(h.path(id + suffix))
	if err != nil {
		return r, fmt.Errorf("read report %s: %w", id, err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read report %s: %w", id, err)
	}
	return r, nil
}

// write puts a file in the place of the one of its name, if there is one.
func (h *shelf) write(name string, v any, room func(int64) bool) (int64, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	if !room(int64(len(data))) {
		return 0, errors.New("the disk is nearly full: reports are dropped until there is room")
	}
	if err := h.root.Mkdir(h.app, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	part := h.path(name + ".part")
	if err := h.root.WriteFile(part, data, 0o600); err != nil {
		return 0, fmt.Errorf("write %s: %w", name, errors.Join(err, h.root.Remove(part)))
	}
	if err := h.root.Rename(part, h.path(name)); err != nil {
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	return int64(len(data)), nil
}

func (h *shelf) drop(id string) error {
	delete(h.reports, id)
	if err := h.root.Remove(h.path(id + suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop report %s: %w", id, err)
	}
	return nil
}

// list returns what is not older, the newest first.
func (h *shelf) list(oldest time.Time) []Summary {
	var all []Summary
	for _, r := range h.reports {
		if !r.At.Before(oldest) {
			all = append(all, r.Summary)
		}
	}
	slices.SortFunc(all, func(a, b Summary) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.ID, b.ID)) })
	return all
}

func (h *shelf) counted() []Count {
	return slices.SortedFunc(maps.Values(h.counts), func(a, b Count) int { return cmp.Compare(a.Code, b.Code) })
}

func (h *shelf) size() (n int64) {
	for _, r := range h.reports {
		n += r.size
	}
	return n
}

// crowd is the oldest report of the kind of which there are most: those that fail in the rarest way stay longest.
func (h *shelf) crowd() string {
	groups := map[string][]*filed{}
	for _, r := range h.reports {
		group := r.Micro + "\x00" + string(r.Code)
		groups[group] = append(groups[group], r)
	}
	var most []*filed
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[name]) > len(most) {
			most = groups[name]
		}
	}
	return slices.MinFunc(most, func(a, b *filed) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) }).ID
}
