package main

import (
	"fmt"
	"math"
	"os"
	"text/template"
)

// picture is a bar for each peer, on a logarithmic axis.
const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {{.Height}}" font-family="system-ui, sans-serif" font-size="13" role="img">
<title>Requests a second with 16 connections, logarithmic</title>
<style>text { fill: #1c2024 } .soft { fill: #60646c } rect { fill: #8b8d98 } rect.ours { fill: #0d74ce } line { stroke: #d9d9e0 }
@media (prefers-color-scheme: dark) { text { fill: #edeef0 } .soft { fill: #b0b4ba } rect { fill: #777b84 } rect.ours { fill: #70b8ff } line { stroke: #363a3f } }</style>
{{range .Ticks}}<line x1="{{.X}}" x2="{{.X}}" y1="0" y2="{{$.Axis}}"/><text class="soft" x="{{.X}}" y="{{$.Axis}}" dy="14" text-anchor="middle" font-size="11">{{.Label}}</text>
{{end}}{{range .Bars}}<text x="240" y="{{.Y}}" dy="17" text-anchor="end">{{.Name}}</text><rect class="{{.Class}}" x="250" y="{{.Y}}" width="{{.Width}}" height="22" rx="3"/><text class="soft" x="{{.End}}" y="{{.Y}}" dy="16">{{.Label}}</text>
{{end}}</svg>
`

type barOf struct {
	Name, Class, Label string
	Y, Width, End      float64
}

type mark struct {
	X     float64
	Label string
}

// draw writes the picture of the requests with 16 connections.
func (r *report) draw(name string) error {
	const left, width, rowHeight, least = 250.0, 480.0, 30.0, 10.0
	most := 1e5
	x := func(n float64) float64 {
		return width * math.Log10(max(n, least)/least) / math.Log10(most/least)
	}
	var view struct {
		Height, Axis float64
		Ticks        []mark
		Bars         []barOf
	}
	for _, p := range r.order {
		a, ok := r.typical(p.name, claimed)
		if !ok {
			continue
		}
		bar := barOf{Name: p.name, Y: rowHeight * float64(len(view.Bars)), Width: x(a.perSecond), Label: fmt.Sprintf("%.0f", a.perSecond)}
		bar.End = left + bar.Width + 6
		if p.name == nameOurs {
			bar.Class = "ours"
		}
		view.Bars = append(view.Bars, bar)
	}
	view.Axis = rowHeight * float64(len(view.Bars))
	view.Height = view.Axis + 20
	for n := least; n <= most; n *= 10 {
		view.Ticks = append(view.Ticks, mark{left + x(n), fmt.Sprintf("%.0f", n)})
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	err = template.Must(template.New("picture").Parse(picture)).Execute(file, view)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
