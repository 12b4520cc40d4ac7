package console

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spacewasm/spacewasm/host/space"
)

const (
	maxEntries = 1000     // of a folder that are shown
	maxPreview = 64 << 10 // bytes of a file that are shown
)

// filesPage is a folder or a file of what a Micro finds at "/".
type filesPage struct {
	App     space.AppName
	Micro   string
	Crumbs  []crumb
	Name    string
	Entries []fileEntry
	More    bool // than are shown
	IsFile  bool
	Size    int64
	Text    string
	Cut     bool
	Binary  bool
	Get     string
}

type crumb struct{ Name, URL string }

type fileEntry struct {
	Name, URL string
	Folder    bool
	Link      bool
	Size      int64
}

// files shows what a Micro sees of files, to read only.
func (c *console) files(w http.ResponseWriter, r *http.Request) error {
	app, route, err := c.routeOf(r)
	if err != nil {
		return err
	}
	name := path.Clean("/" + r.PathValue("path"))[1:]
	root, err := c.Bundle(route.Micro.Bundle)
	if err != nil {
		return &space.Error{Code: space.CodeNotFound, Message: "the Micro's files are gone", Err: err}
	}
	defer func() { _ = root.Close() }()
	body := filesPage{App: app.App.Name, Micro: route.Micro.Name, Name: path.Base("/" + name)}
	base := pathOf(app.App.Name) + "/micros/" + url.PathEscape(route.Micro.Name) + "/files/"
	body.Crumbs = crumbs(base, name)
	file, info, err := open(root, cmp.Or(name, "."))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	switch {
	case info.IsDir():
		err = body.list(file, base, name)
	case r.URL.Query().Has("download"):
		return download(w, file, info)
	default:
		body.IsFile, body.Size, body.Get = true, info.Size(), r.URL.EscapedPath()+"?download"
		err = body.preview(file)
	}
	if err != nil {
		return err
	}
	c.show(w, r, "files", http.StatusOK, "/"+name, body)
	return nil
}

// open opens a folder or a regular file of a tree, and nothing that a link leads out to.
func open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	missing := space.Errorf(space.CodeNotFound, "there is no such file among the Micro's")
	info, err := root.Stat(name)
	if err != nil || (!info.IsDir() && !info.Mode().IsRegular()) { // before it is opened: a pipe would wait
		return nil, nil, missing
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, nil, missing
	}
	if info, err = file.Stat(); err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

func crumbs(base, name string) []crumb {
	all := []crumb{{Name: "/", URL: base}}
	if name == "" {
		return all
	}
	at := strings.TrimSuffix(base, "/")
	for segment := range strings.SplitSeq(name, "/") {
		at += "/" + url.PathEscape(segment)
		all = append(all, crumb{Name: segment, URL: at})
	}
	return all
}

// list reads a folder.
func (p *filesPage) list(folder *os.File, base, name string) error {
	entries, err := folder.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(entries) > maxEntries {
		entries, p.More = entries[:maxEntries], true
	}
	for _, e := range entries {
		at := base
		for segment := range strings.SplitSeq(path.Join(name, e.Name()), "/") {
			at = strings.TrimSuffix(at, "/") + "/" + url.PathEscape(segment)
		}
		entry := fileEntry{Name: e.Name(), URL: at, Folder: e.IsDir(), Link: e.Type()&fs.ModeSymlink != 0}
		if info, err := e.Info(); err == nil {
			entry.Size = info.Size()
		}
		p.Entries = append(p.Entries, entry)
	}
	slices.SortFunc(p.Entries, func(a, b fileEntry) int {
		if a.Folder != b.Folder {
			if a.Folder {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return nil
}

// preview reads the beginning of a file, if that is text.
func (p *filesPage) preview(file *os.File) error {
	text, err := io.ReadAll(io.LimitReader(file, maxPreview))
	if err != nil {
		return err
	}
	p.Cut = int64(len(text)) < p.Size
	if p.Cut { // not within a character
		for i := 0; i < utf8.UTFMax && len(text) > 0 && !utf8.Valid(text); i++ {
			text = text[:len(text)-1]
		}
	}
	p.Binary = !utf8.Valid(text) || strings.ContainsRune(string(text), 0)
	if !p.Binary {
		p.Text = visible(string(text))
	}
	return nil
}

// download sends a file to be saved, and never to be shown: whatever it is, it is nothing
// of the console's.
func download(w http.ResponseWriter, file *os.File, info fs.FileInfo) error {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": info.Name()}))
	header.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	if header.Get("Content-Disposition") == "" { // a name that cannot be written so
		header.Set("Content-Disposition", "attachment")
	}
	_, err := io.Copy(w, file)
	if err != nil {
		return &space.Error{Code: space.CodeClientGone, Message: "the browser left", Committed: true, Err: err}
	}
	return nil
}
