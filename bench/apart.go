package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/coldstart"
)

// Apart is the command of the program that begins with [Work]; it is not for people.
const Apart = "measure-apart"

// message is what a process that measures tells the one that has started it, in a line of
// JSON.
type message struct {
	// What is done, and Done which part of it is over.
	What     string           `json:"what,omitempty"`
	Done     float64          `json:"done,omitempty"`
	Document *record.Document `json:"document,omitempty"`
	Error    string           `json:"error,omitempty"`
}

// maxSaid bounds a line of a process that measures, in bytes: its figures have a tenth of
// that.
const maxSaid = 256 << 10

// farewell is how long a process that measures has to end by itself, with the processes that
// it has started, before it is killed.
const farewell = 5 * time.Second

// RunApart measures in a process of its own, so that what the server does is not measured
// with it, and what is measured cannot stop the server. It is a [coldstart.Measure].
func RunApart(ctx context.Context, job coldstart.Job, progress func(what string, done float64)) (document *record.Document, err error) {
	program, err := self()
	if err != nil {
		return nil, err
	}
	terms, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, Apart)
	cmd.Env = []string{"TMPDIR=" + job.Dir} // and nothing that the server was told
	cmd.Dir = job.Dir
	cmd.SysProcAttr = ownSession()
	input, err := cmd.StdinPipe() // which closes when this process ends, however that is
	if err != nil {
		return nil, err
	}
	cmd.Cancel, cmd.WaitDelay = input.Close, farewell
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process to measure in: %w", err)
	}
	_, err = input.Write(append(terms, '\n'))
	if err == nil {
		document, err = listenTo(output, progress)
	}
	if err != nil {
		_ = cmd.Process.Kill() // nobody listens to it any more
	}
	_ = input.Close() // it need not go on
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case document == nil:
		return nil, fmt.Errorf("what measured ended too early: %w", errors.Join(ended))
	}
	return document, nil
}

// self is this program, also when its file has been replaced by another version meanwhile.
func self() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// listenTo takes what the other process says, up to the end.
func listenTo(output io.Reader, progress func(string, float64)) (*record.Document, error) {
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, maxSaid)
	var document *record.Document
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("what measured said nothing that can be read: %w", err)
		}
		switch {
		case m.Error != "":
			return nil, errors.New(m.Error)
		case m.Document != nil:
			document = m.Document
		default:
			progress(m.What, m.Done)
		}
	}
	return document, lines.Err()
}

// Work is the other side of [RunApart]: it reads a job, says how far it is, and what came
// of it. It ends early when who has started it ends.
func Work(ctx context.Context, version string, in io.Reader, out io.Writer) error {
	oomFirst()
	reader := bufio.NewReader(in)
	terms, err := reader.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read what is to be measured: %w", err)
	}
	var job coldstart.Job
	if err := json.Unmarshal(terms, &job); err != nil {
		return fmt.Errorf("read what is to be measured: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, reader) // until there is nobody
		cancel()
	}()
	encoder := json.NewEncoder(out)
	say := func(m message) { _ = encoder.Encode(m) } // who does not listen any more is gone
	say(message{What: "compiling"})
	results, err := measureJob(ctx, job, func(what string, done float64) { say(message{What: what, Done: done}) })
	if err != nil {
		say(message{Error: err.Error()})
		return nil
	}
	say(message{Document: NewDocument(version, results)})
	return nil
}

func measureJob(ctx context.Context, job coldstart.Job, progress func(string, float64)) (results []*Result, err error) {
	subject, err := NewSubject(ctx, SubjectConfig{
		Name: job.Name, Bundle: job.Bundle, Run: job.Run, Env: job.Env, Limits: job.Limits, Isolation: job.Isolation, Memory: job.Memory, Tmp: job.Tmp, Disk: job.Disk, Dir: job.Dir,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, subject.Close(context.WithoutCancel(ctx))) }()
	return Run(ctx, Options{Path: job.Path, Time: job.Time, Once: true, Progress: progress}, subject)
}
