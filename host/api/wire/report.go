package wire

import "github.com/spacewasm/spacewasm/host/reports"

// Reports is the answer of GET /api/v1/apps/{app}/reports.
type Reports struct {
	Reports []reports.Summary `json:"reports"` // the newest first
	// Counts are the failures of which no reports are kept.
	Counts []reports.Count `json:"counts"`
}
