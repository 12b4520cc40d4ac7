package static

import (
	"path"
	"strings"
)

// mediaOf is the media type of a file by its name. The table is our own, as Go's
// knows what the machine's files say, and an app has to be the same on all machines.
func mediaOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	for _, table := range []func(string) string{text, data, pictures, sounds} {
		if media := table(ext); media != "" {
			return media
		}
	}
	return "application/octet-stream"
}

func text(ext string) string {
	const utf8 = "; charset=utf-8"
	switch ext {
	case ".html", ".htm":
		return "text/html" + utf8
	case ".css":
		return "text/css" + utf8
	case ".js", ".mjs", ".cjs":
		return "text/javascript" + utf8
	case ".txt", ".text", ".log":
		return "text/plain" + utf8
	case ".md", ".markdown":
		return "text/markdown" + utf8
	case ".csv":
		return "text/csv" + utf8
	case ".tsv":
		return "text/tab-separated-values" + utf8
	case ".vtt":
		return "text/vtt" + utf8
	case ".ics":
		return "text/calendar" + utf8
	case ".vcf":
		return "text/vcard" + utf8
	case ".yaml", ".yml":
		return "application/yaml"
	case ".toml":
		return "application/toml"
	}
	return ""
}

func data(ext string) string {
	switch ext {
	case ".wasm":
		return "application/wasm"
	case ".json", ".map":
		return "application/json"
	case ".jsonld":
		return "application/ld+json"
	case ".geojson":
		return "application/geo+json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".xml", ".xsl", ".xslt": // which say their charset themselves
		return "application/xml"
	case ".xhtml":
		return "application/xhtml+xml"
	case ".rss":
		return "application/rss+xml"
	case ".atom":
		return "application/atom+xml"
	case ".pdf":
		return "application/pdf"
	case ".epub":
		return "application/epub+zip"
	case ".rtf":
		return "application/rtf"
	case ".zip":
		return "application/zip"
	case ".gz", ".tgz":
		return "application/gzip"
	case ".zst":
		return "application/zstd"
	case ".tar":
		return "application/x-tar"
	case ".7z":
		return "application/x-7z-compressed"
	case ".woff":
		return "font/woff"
	case ".woff2":
		return "font/woff2"
	case ".ttf":
		return "font/ttf"
	case ".otf":
		return "font/otf"
	case ".eot":
		return "application/vnd.ms-fontobject"
	case ".glb":
		return "model/gltf-binary"
	case ".gltf":
		return "model/gltf+json"
	}
	return ""
}

func pictures(ext string) string {
	switch ext {
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".apng":
		return "image/apng"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".jxl":
		return "image/jxl"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".avif":
		return "image/avif"
	case ".ico":
		return "image/vnd.microsoft.icon"
	case ".bmp":
		return "image/bmp"
	case ".tif", ".tiff":
		return "image/tiff"
	}
	return ""
}

func sounds(ext string) string {
	switch ext {
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	case ".ogv":
		return "video/ogg"
	case ".mov":
		return "video/quicktime"
	case ".ts":
		return "video/mp2t"
	case ".m3u8":
		return "application/vnd.apple.mpegurl"
	case ".mp3":
		return "audio/mpeg"
	case ".m4a":
		return "audio/mp4"
	case ".aac":
		return "audio/aac"
	case ".ogg", ".oga", ".opus":
		return "audio/ogg"
	case ".wav":
		return "audio/wav"
	case ".flac":
		return "audio/flac"
	case ".weba":
		return "audio/webm"
	}
	return ""
}

// compressible tells whether files of a type become smaller by compression.
func compressible(media string) bool {
	switch media {
	case "application/wasm", "application/json", "application/xml", "application/yaml", "application/toml", "application/rtf",
		"application/x-tar", "application/vnd.ms-fontobject", "application/vnd.apple.mpegurl", "font/ttf", "font/otf",
		"image/vnd.microsoft.icon", "image/bmp", "model/gltf-binary":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+json")
}
