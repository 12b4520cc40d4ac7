package console

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/profile"
	"github.com/spacewasm/spacewasm/host/space"
)

// The size of a flame graph, in units of its own, and what of it is drawn: what is
// narrower than a unit nobody sees.
const (
	flameWidth, flameRow = 1100, 20
	flameDepth           = 40
	flameHues            = 6
	flameLetter          = 7 // how wide one is, about
	topFunctions         = 15
)

// flamePage is where a Micro spends its time.
type flamePage struct {
	App      space.AppName
	Micro    string
	Revision int
	Seconds  float64
	Requests int64
	Replaced bool
	Note     string
	Bars     []flameBar
	Width    int
	Height   int
	Top      []flameTop
}

// flameBar is a function in the picture.
type flameBar struct {
	X, W         float64
	Y, TextY     int
	TextX        float64
	Hue          int
	Host         bool
	Title, Label string
}

// flameTop is a function with what it used by itself.
type flameTop struct {
	Name  string
	Host  bool
	Share string
	Time  string
	self  int64
}

// profile samples a Micro while it answers, and shows where its time went.
func (c *console) profile(w http.ResponseWriter, r *http.Request) error {
	app, route, err := c.routeOf(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	seconds, err := strconv.Atoi(r.PostFormValue("seconds"))
	if err != nil || seconds < 1 || seconds > int(profile.MaxTime.Seconds()) {
		return space.Errorf(space.CodeBadRequest, "a profile takes from 1 to %.0f seconds", profile.MaxTime.Seconds())
	}
	ctx, end := c.until(r)
	defer end()
	found, err := c.Profiler.Run(ctx, app.App.Name, route.Micro.Name, time.Duration(seconds)*time.Second)
	if ctx.Err() != nil {
		return space.Errorf(space.CodePreparing, "the server stops, and the profile with it")
	}
	if err != nil {
		return err
	}
	body := flamePage{
		App: app.App.Name, Micro: found.Micro, Revision: found.Revision, Seconds: found.Took.Seconds(), Requests: found.Requests,
		Replaced: found.Replaced, Note: found.Note(), Width: flameWidth,
	}
	body.draw(found.Tree())
	c.show(w, r, "flame", http.StatusOK, "Profile of "+found.Micro, body)
	return nil
}

// draw lays the tree out, its root at the top.
func (p *flamePage) draw(root wire.Frame) {
	if root.TimeNS <= 0 {
		return
	}
	self := map[string]*flameTop{}
	p.bar(root, 0, 0, flameWidth/float64(root.TimeNS), self)
	for _, f := range self {
		f.Time, f.Share = formatTook(time.Duration(f.self)), fmt.Sprintf("%.1f %%", 100*float64(f.self)/float64(root.TimeNS))
		p.Top = append(p.Top, *f)
	}
	slices.SortFunc(p.Top, func(a, b flameTop) int { return cmp.Or(cmp.Compare(b.self, a.self), cmp.Compare(a.Name, b.Name)) })
	p.Top = p.Top[:min(len(p.Top), topFunctions)]
}

// bar draws a function and what it has called.
func (p *flamePage) bar(f wire.Frame, depth int, x, scale float64, self map[string]*flameTop) {
	name, width := visible(f.Name), float64(f.TimeNS)*scale
	own := f.TimeNS
	at := x
	for _, child := range f.Children {
		own -= child.TimeNS
		p.bar(child, depth+1, at, scale, self)
		at += float64(child.TimeNS) * scale
	}
	if own > 0 {
		if self[name] == nil {
			self[name] = &flameTop{Name: name, Host: f.Host}
		}
		self[name].self += own
	}
	if width < 1 || depth >= flameDepth {
		return
	}
	p.Height = max(p.Height, (depth+1)*flameRow)
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name)) // never fails
	bar := flameBar{
		X: x, W: max(width-1, 0.5), Y: depth * flameRow, TextY: depth*flameRow + 14, TextX: x + 4, Hue: int(hash.Sum32() % flameHues), Host: f.Host,
		Title: fmt.Sprintf("%s: %s, %.1f %%", name, formatTook(time.Duration(f.TimeNS)), 100*width/flameWidth),
	}
	if room := int(width-8) / flameLetter; room > 2 {
		bar.Label = name
		if letters := []rune(name); len(letters) > room {
			bar.Label = string(letters[:room-1]) + "…"
		}
	}
	p.Bars = append(p.Bars, bar)
}
