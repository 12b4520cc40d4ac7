package static

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	indexName   = "index.html"
	missingName = "404.html" // the page of what is not there, in the root of the tree
)

// locate decides which name of the tree a path means, and whether it is asked for
// as a folder. Paths that could be read in two ways, and hidden names, mean none.
func locate(u *url.URL) (name string, folder, ok bool) {
	rest, rooted := strings.CutPrefix(u.Path, "/")
	if !rooted || !utf8.ValidString(rest) || strings.ContainsAny(rest, "\\\x00") || hasEncodedSlash(u.RawPath) {
		return "", false, false
	}
	if rest == "" {
		return ".", true, true
	}
	name, folder = strings.CutSuffix(rest, "/")
	known := true // .well-known is, where RFC 8615 puts it
	for segment := range strings.SplitSeq(name, "/") {
		hidden := strings.HasPrefix(segment, ".") && (!known || segment != ".well-known")
		if segment == "" || hidden {
			return "", false, false
		}
		known = false
	}
	return name, folder, true
}

func hasEncodedSlash(raw string) bool {
	return strings.Contains(raw, "%2F") || strings.Contains(raw, "%2f")
}

// found is what answers a request. Without a file or a folder nothing does.
type found struct {
	file   *file
	status int
	// folder is the last segment of a folder's path that lacks its slash: the answer
	// is where to find it.
	folder string
	// varies says that by another Accept it would have been something else.
	varies bool
}

// find finds what answers a request.
func (s *Site) find(root *os.Root, r *http.Request) (found, error) {
	name, folder, ok := locate(r.URL)
	if !ok || s.hidden(name) {
		return s.missing(root)
	}
	hit, err := s.direct(root, r, name, folder)
	if err != nil || hit.file != nil || hit.folder != "" {
		return hit, err
	}
	if s.config.Fallback == "" {
		return s.missing(root)
	}
	if navigates(r) {
		f, _, err := s.file(root, s.config.Fallback)
		if err != nil || f != nil {
			return found{file: f, status: http.StatusOK, varies: true}, err
		}
	}
	hit, err = s.missing(root)
	hit.varies = true
	return hit, err
}

// hidden tells whether a name is one of those that are not the site's, or below one.
// Case does not count: there are file systems that do not know it.
func (s *Site) hidden(name string) bool {
	for _, hidden := range s.config.Hidden {
		if rest, below := cutFolded(name, hidden); below && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// cutFolded cuts a prefix off whose case does not count.
func cutFolded(name, prefix string) (rest string, ok bool) {
	if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
		return "", false
	}
	return name[len(prefix):], true
}

// direct finds a file by its name, or that of the folder.
func (s *Site) direct(root *os.Root, r *http.Request, name string, folder bool) (found, error) {
	if !folder {
		f, isFolder, err := s.file(root, name)
		if err != nil || !isFolder {
			return found{file: f, status: http.StatusOK}, err
		}
	}
	f, _, err := s.file(root, path.Join(name, indexName))
	switch {
	case err != nil || f == nil:
		return found{}, err
	case !folder:
		return found{folder: path.Base(name)}, nil
	case name == ".":
		return found{file: f, status: http.StatusOK, folder: unslashed(r)}, nil
	}
	return found{file: f, status: http.StatusOK}, nil
}

// missing is the tree's own page for what is not there, if it has one.
func (s *Site) missing(root *os.Root) (found, error) {
	f, _, err := s.file(root, missingName)
	return found{file: f, status: http.StatusNotFound}, err
}

// navigates tells whether a browser wants a page, and not a part of one: a file that
// a page lacks must not become the page again.
func navigates(r *http.Request) bool {
	if path.Ext(path.Base(r.URL.Path)) != "" {
		return false
	}
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// unslashed is the last segment of the Micro's own path where the client has left
// its slash out, as the links of the page would then lead beside the Micro.
func unslashed(r *http.Request) string {
	sent, _, _ := strings.Cut(r.RequestURI, "?")
	if strings.HasSuffix(sent, "/") {
		return ""
	}
	target, err := url.ParseRequestURI(sent)
	if err != nil || target.Path == "" || strings.HasSuffix(target.Path, "/") {
		return ""
	}
	return path.Base(target.Path)
}

// redirect sends a client to a folder's own address. It is a relative one, because
// the Micro does not know the path that it is at, and begins with a dot, because a
// name may look like a scheme.
func (s *Site) redirect(w http.ResponseWriter, r *http.Request, segment string) {
	to := "./" + url.PathEscape(segment) + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", s.revalidated())
	w.WriteHeader(http.StatusPermanentRedirect)
}
