package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"strconv"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/space"
)

// The files of htmx and uPlot are as they were released, with their licences beside them.
//
//go:embed assets/*
var assetFiles embed.FS

//go:embed pages/*.html
var pageFiles embed.FS

// assets are the files that pages ask for, by the name that they are asked for: it has a
// digest of the content, so that a browser may keep a file for ever.
type assets struct {
	urls  map[string]string
	files map[string]asset
}

type asset struct {
	media string
	data  []byte
}

func loadAssets() assets {
	a := assets{urls: map[string]string{}, files: map[string]asset{}}
	kinds := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // it is a part of the program
	}
	for _, entry := range entries {
		ext := path.Ext(entry.Name())
		if kinds[ext] == "" {
			continue
		}
		data, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		name := entry.Name()[:len(entry.Name())-len(ext)] + "-" + hex.EncodeToString(sum[:6]) + ext
		a.urls[entry.Name()] = "/assets/" + name
		a.files[name] = asset{media: kinds[ext], data: data}
	}
	return a
}

// asset serves a file of the console's own.
func (c *console) asset(w http.ResponseWriter, r *http.Request) error {
	file, ok := c.assets.files[r.PathValue("name")]
	if !ok {
		return space.Errorf(space.CodeNotFound, "there is no such file in the console; reload the page")
	}
	w.Header().Set("Content-Type", file.media)
	w.Header().Set("Content-Length", strconv.Itoa(len(file.data)))
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, _ = w.Write(file.data)
	return nil
}

// parse reads the templates: each page with the layout around it and the parts that
// several have.
func (c *console) parse() map[string]*template.Template {
	funcs := template.FuncMap{
		"asset": func(name string) string { return c.assets.urls[name] },
		"bytes": formatBytes, "count": formatCount, "took": formatTook, "ago": c.ago, "when": formatWhen, "until": c.ahead,
		"int": func(n int64) int { return int(n) }, "code": func(code space.Code) string { return sentence(code.Words()) }, "sentence": sentence, "plural": plural, "measure": measures, "precise": record.Duration,
	}
	common := template.Must(template.New("").Funcs(funcs).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html", "pages/domains.html"))
	template.Must(common.Parse(record.PlotTemplate))
	pages := map[string]*template.Template{}
	for _, name := range []string{"apps", "app", "micro", "files", "error", "found", "deployed", "flame", "coldstart"} {
		own := template.Must(common.Clone())
		pages[name] = template.Must(own.ParseFS(pageFiles, "pages/"+name+".html"))
	}
	return pages
}
