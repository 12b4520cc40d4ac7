package deploy

import (
	"context"
	"time"
)

// Stage is what a push is at.
type Stage string

// The stages, in their order: the upload has come as a whole, the module of a Micro
// is compiled, its databases are checked, its snapshot is taken, the revision is made the one that answers.
const (
	StageReceived  Stage = "received"
	StageCompile   Stage = "compile"
	StageDatabases Stage = "databases"
	StageSnapshot  Stage = "snapshot"
	StageActivate  Stage = "activate"
)

// Event is a step of a push.
type Event struct {
	Stage Stage
	// Micro is whose module or snapshot it is.
	Micro string
	// Done tells the end of such a stage from its beginning.
	Done bool
	// Took is how long it took, once it is done.
	Took time.Duration
	// Bytes are those of the files that were received, of the databases that were
	// checked, or of the snapshot that was taken.
	Bytes int64
	// Reason says why there is no snapshot.
	Reason string
}

// Progress is told of the steps of a push, one after the other, by the goroutine that
// pushes.
type Progress func(Event)

type progressKey struct{}

// WithProgress returns a context whose pushes tell progress of their steps.
func WithProgress(ctx context.Context, progress Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, progress)
}

// tell tells who is told of this push.
func tell(ctx context.Context, e Event) {
	if progress, _ := ctx.Value(progressKey{}).(Progress); progress != nil {
		progress(e)
	}
}
