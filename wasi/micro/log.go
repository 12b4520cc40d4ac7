package micro

import (
	"log/slog"
	"os"
	"runtime"
)

// Logger returns a logger whose records are lines of the Micro's log, as is all that
// is written to standard error. A host notes their time and their request by itself.
func Logger() *slog.Logger {
	options := &slog.HandlerOptions{}
	if runtime.GOOS == "wasip1" {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
