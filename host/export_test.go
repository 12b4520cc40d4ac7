package host

import (
	"context"

	"github.com/spacewasm/spacewasm/host/telemetry"
)

// OpenUnmeasured is [Open] without figures.
func OpenUnmeasured(ctx context.Context, config Config) (*Host, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	return openMeasured(ctx, config, &telemetry.Metrics{})
}
