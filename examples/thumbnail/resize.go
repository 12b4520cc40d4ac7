package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	_ "image/gif" // decoder
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"net/http"

	"golang.org/x/image/draw"
)

const (
	maxPixels     = 40_000_000 // of the source: 160 MB decoded, of the 512 MiB that a Micro has
	maxSourceSide = 65_535     // pixels, as in JPEG and GIF; the filter's tables grow with it
	jpegQuality   = 85
	// strip is how many rows or columns are filtered at once. The filter's scratch space is 32 bytes for each pixel
	// of a strip; over a whole picture that would be more than the picture itself takes.
	strip = 64
)

// thumbnail writes data's picture to w, scaled down to fit width by height, and returns the media type written.
// A JPEG stays one; PNG and GIF, which may be transparent, become PNG.
func thumbnail(w io.Writer, data []byte, width, height int) (mediaType string, err error) {
	if err := check(data); err != nil {
		return "", err
	}
	src, format, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return "", refuse(http.StatusBadRequest, "The picture is damaged: %v.", err)
	}
	dst := resize(src, fit(src.Bounds().Size(), width, height))
	if format == "jpeg" {
		return "image/jpeg", jpeg.Encode(w, dst, &jpeg.Options{Quality: jpegQuality})
	}
	return "image/png", png.Encode(w, dst)
}

// check reads the header only: a small file may claim any size, and decoding allocates all of it.
func check(data []byte) error {
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if errors.Is(err, image.ErrFormat) {
		return refuse(http.StatusUnsupportedMediaType, "This is not a PNG, JPEG or GIF picture.")
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "The picture is damaged: %v.", err)
	}
	if config.Width < 1 || config.Height < 1 {
		return refuse(http.StatusBadRequest, "The picture is empty.")
	}
	if max(config.Width, config.Height) > maxSourceSide || int64(config.Width)*int64(config.Height) > pixelLimit(config.ColorModel) {
		return refuse(http.StatusRequestEntityTooLarge, "The picture has %d x %d pixels; %d million in all is the most.",
			config.Width, config.Height, pixelLimit(config.ColorModel)/1_000_000)
	}
	return nil
}

// pixelLimit is half for pictures with 16 bits to a channel, which take twice the memory.
func pixelLimit(m color.Model) int64 {
	switch m {
	case color.RGBA64Model, color.NRGBA64Model:
		return maxPixels / 2
	}
	return maxPixels
}

// fit is the largest size within width by height that keeps the aspect of from. It never exceeds from.
func fit(from image.Point, width, height int) image.Point {
	scale := min(float64(width)/float64(from.X), float64(height)/float64(from.Y), 1)
	return image.Pt(scaled(from.X, scale), scaled(from.Y, scale))
}

func scaled(n int, scale float64) int {
	return max(1, int(math.Round(float64(n)*scale)))
}

// resize filters rows first and columns then, each in strips. A strip's other axis keeps its size, where Catmull-Rom is
// the identity, so there are no seams.
func resize(src image.Image, to image.Point) image.Image {
	from := src.Bounds()
	narrow := image.NewRGBA(image.Rect(0, 0, to.X, from.Dy()))
	rows := draw.CatmullRom.NewScaler(to.X, strip, from.Dx(), strip)
	for y := 0; y < from.Dy(); y += strip {
		end := min(y+strip, from.Dy())
		rows.Scale(narrow, image.Rect(0, y, to.X, end), src,
			image.Rect(from.Min.X, from.Min.Y+y, from.Max.X, from.Min.Y+end), draw.Src, nil)
	}
	dst := image.NewRGBA(image.Rectangle{Max: to})
	columns := draw.CatmullRom.NewScaler(strip, to.Y, strip, from.Dy())
	for x := 0; x < to.X; x += strip {
		end := min(x+strip, to.X)
		columns.Scale(dst, image.Rect(x, 0, end, to.Y), narrow, image.Rect(x, 0, end, from.Dy()), draw.Src, nil)
	}
	return dst
}
