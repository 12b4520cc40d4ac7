package host

import (
	"context"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// OpenUnwatched is [Open] without figures, and with nothing written down of requests.
func OpenUnwatched(ctx context.Context, config Config) (*Host, error) {
	return openChecked(ctx, config, watch{metrics: &telemetry.Metrics{}})
}

// OpenUnnoted is [Open] with figures, and with nothing written down of requests.
func OpenUnnoted(ctx context.Context, config Config) (*Host, error) {
	return openChecked(ctx, config, watch{metrics: telemetry.New(config.Version)})
}

func openChecked(ctx context.Context, config Config, w watch) (*Host, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	return openWatched(ctx, config, w)
}

// NewVisits returns requests that are written down later.
func NewVisits(write func(*gateway.Visit)) visits { return newVisits(write) }
