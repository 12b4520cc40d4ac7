package host

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spacewasm/spacewasm/host/disk"
	"github.com/spacewasm/spacewasm/host/logs"
)

// Storage is what the parts of a node may have of its disk, in bytes.
type Storage struct {
	// Reserve stays free but for deletions and the registry's own commits; see
	// [disk.Auto].
	Reserve int64
	// Logs is for the logs of all apps.
	Logs int64
	// Blobs is for the bundles of all apps, old revisions' with them; 0 has no bound
	// but the reserve.
	Blobs int64
	// Uploads is for what arrives, beside the bundles.
	Uploads int64
}

func (s Storage) check() error {
	switch {
	case s.Reserve < disk.Auto || s.Blobs < 0:
		return errors.New("disk reserve and blob budget: want 0 or more")
	case s.Logs < logs.DefaultConfig("").MaxBytes:
		return errors.New("log budget: want at least the 16MiB that one app may have")
	case s.Uploads <= 0:
		return errors.New("upload budget: want more than 0")
	}
	return nil
}

// openLogs opens the logs and the reports, without those of apps that are no more.
func (h *Host) openLogs(ctx context.Context) error {
	config := logs.DefaultConfig(filepath.Join(h.config.Data, "logs"))
	config.MaxPerRequest = h.config.Limits.LogBytes
	config.MaxTotal = h.config.Storage.Logs
	config.Room = h.reserve.Take
	config.OnError = func(err error) { h.config.Logger.Error("cannot keep a Micro's log", "error", err) }
	var err error
	if h.logs, err = logs.Open(config); err != nil {
		return err
	}
	deployments, err := h.store.Active(ctx)
	if err != nil {
		return err
	}
	apps := map[string]bool{}
	for _, d := range deployments {
		apps[string(d.App.Name)] = true
	}
	if err := h.logs.Sweep(apps); err != nil {
		h.config.Logger.Warn("cannot remove the logs of removed apps", "error", err)
	}
	return h.openReports(apps)
}

// roomy says that the server is not ready below the disk's reserve.
func (h *Host) roomy() error {
	if h.reserve.Low() {
		return errors.New("the disk is nearly full")
	}
	return nil
}
