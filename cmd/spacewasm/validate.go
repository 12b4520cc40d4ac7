package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

const validateLong = `Say whether a project can be pushed, without a server: what its Spacefile says, what
would be packed, and whether a server would take each module, and the databases of one
that queries SQLite. Nothing is run, neither the commands of the Spacefile nor a module:
what those are yet to make is noted.

Every fault goes to standard error, one on a line; with --json all of it is in the JSON
on standard output as well. The exit status is 1 if there is a fault. Sizes are held
against the limits that a server has unless it is told others.`

// validation is what is found out about a project.
type validation struct {
	Dir    string           `json:"dir"`
	Files  int              `json:"files"` // of the whole upload, and their bytes
	Bytes  int64            `json:"bytes"`
	Icon   string           `json:"icon,omitempty"`
	Micros []validatedMicro `json:"micros"`
	Left   []string         `json:"left_out,omitempty"` // what looks like the output of builds
	Notes  []string         `json:"notes,omitempty"`    // what its commands are yet to make
	Faults []space.Fault    `json:"faults"`
}

// validatedMicro is a Micro of a project, and what is packed for it.
type validatedMicro struct {
	Name     string       `json:"name"`
	Path     string       `json:"path"`
	Engine   space.Engine `json:"engine"`
	Module   string       `json:"module,omitempty"`
	Contract string       `json:"contract,omitempty"`
	Serves   string       `json:"serves,omitempty"`
	Bytes    int64        `json:"bytes"`
	Files    []packedFile `json:"files"`
}

type packedFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

func newValidate(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "validate [DIR]",
		Short:   "Say whether a project can be pushed",
		Long:    validateLong,
		Example: "  spacewasm validate\n  spacewasm validate --json examples/hello",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return c.validate(cmd.Context(), dir, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every file")
	return cmd
}

func (c *cli) validate(ctx context.Context, dir string, asJSON bool) error {
	found, err := validateProject(ctx, dir)
	if err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(c.out, found, "  "); err != nil {
			return err
		}
	}
	if len(found.Faults) > 0 {
		return c.listFaults(space.Refuse(found.Faults...))
	}
	if asJSON {
		return nil
	}
	return c.printValidation(found)
}

// validateProject finds all that is wrong with a project. Its faults are no error.
func validateProject(ctx context.Context, dir string) (*validation, error) {
	found := &validation{Dir: dir, Micros: []validatedMicro{}, Faults: []space.Fault{}}
	p, err := project.Open(dir)
	if refused, ok := errors.AsType[*space.Error](err); ok && len(refused.Faults) > 0 {
		found.Faults = refused.Faults
		return found, nil
	} else if err != nil {
		return nil, err
	}
	p.Unbuilt = true
	faults, err := p.List()
	if err != nil {
		return nil, err
	}
	found.Notes = p.Notes
	found.Faults = append(found.Faults, faults...)
	found.Bytes, found.Icon, found.Left = p.Weight, p.Spec().Icon, p.LeftOut
	for _, e := range p.Entries {
		if !e.Dir {
			found.Files++
		}
	}
	limits := space.DefaultLimits()
	if len(p.Entries) > limits.BundleEntries {
		found.fault("", "the project has %d files and folders to pack; a server takes %d: leave some out with %s or `include`",
			len(p.Entries), limits.BundleEntries, project.IgnoreName)
	}
	for i := range p.Spec().Micros {
		found.micro(p, i, limits)
	}
	return found, found.modules(ctx, p, limits)
}

func (v *validation) fault(file, format string, args ...any) {
	v.Faults = append(v.Faults, space.Fault{File: file, Message: fmt.Sprintf(format, args...)})
}

// micro lists the files of a Micro, and holds their limit.
func (v *validation) micro(p *project.Project, i int, limits space.Limits) {
	spec := p.Spec().Micros[i]
	m := validatedMicro{
		Name: spec.Name, Path: spec.Path, Engine: spec.Engine, Module: p.Module(i), Serves: p.Served[i], Files: []packedFile{},
	}
	for _, e := range p.Content(i) {
		if !e.Dir {
			m.Files = append(m.Files, packedFile{e.Path, e.Size})
			m.Bytes += e.Size
		}
	}
	if m.Bytes > limits.Bundle {
		v.Faults = append(v.Faults, p.MicroFault(i, "src", "the files of micro %q have %d bytes; a server takes %d: leave out what it does not read, with %s or `include`",
			spec.Name, m.Bytes, limits.Bundle, project.IgnoreName))
	}
	v.Micros = append(v.Micros, m)
}

// modules puts the modules that are there through a server's checks.
func (v *validation) modules(ctx context.Context, p *project.Project, limits space.Limits) (err error) {
	engine, err := wasi.New(ctx, wasi.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	for i, spec := range p.Spec().Micros {
		m := &v.Micros[i]
		if spec.Engine.IsStatic() {
			continue
		}
		if !m.packsModule(limits) { // which has been blamed, or is yet to be made
			if err := v.databases(ctx, engine, p.Dir, m, nil); err != nil {
				return err
			}
			continue
		}
		code, err := readPacked(root, m.Module)
		if err != nil {
			return err
		}
		report, err := checkModule(ctx, engine, code, uint64(limits.Within(spec.Limits).Memory))
		if refused, ok := errors.AsType[*wasi.RefusedError](err); ok {
			report = &wasi.Report{Faults: refused.Faults} // of what is no module at all
		} else if err != nil {
			return fmt.Errorf("%s: %w", m.Module, err)
		}
		m.Contract = string(report.Contract)
		for _, fault := range report.Faults {
			v.fault(m.Module, "%s", fault)
		}
		if err := v.databases(ctx, engine, p.Dir, m, report); err != nil {
			return err
		}
	}
	return nil
}

// packsModule tells whether the Micro's module is among its files, and no larger than
// they may be together.
func (m *validatedMicro) packsModule(limits space.Limits) bool {
	for _, file := range m.Files {
		if file.Path == m.Module {
			return file.Bytes <= limits.Bundle
		}
	}
	return false
}

func readPacked(root *os.Root, name string) ([]byte, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open the module: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the module: %w", err)
	}
	code := make([]byte, info.Size())
	_, err = file.ReadAt(code, 0)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.ToSlash(name), err)
	}
	return code, nil
}

func (c *cli) printValidation(v *validation) error {
	rows := [][]string{{"MICRO", "PATH", "ENGINE", "FILES", "SIZE", "WHAT"}}
	for _, m := range v.Micros {
		what := m.Module + ", " + m.Contract
		if m.Contract == "" {
			what = "to be built"
		}
		if m.Serves != "" {
			what = "the files of " + m.Serves
		}
		rows = append(rows, []string{m.Name, m.Path, string(m.Engine), humanize.Comma(int64(len(m.Files))), humanSize(m.Bytes), what})
	}
	if err := table(c.out, rows); err != nil {
		return err
	}
	for _, note := range v.Notes {
		fmt.Fprintf(c.out, "note: %s\n", escape(note))
	}
	if len(v.Left) > 0 {
		fmt.Fprintf(c.out, "note: %s\n", escape(leftOutNote(v.Left)))
	}
	_, err := fmt.Fprintf(c.out, "%s can be pushed: %s files, %s\n", escape(v.Dir), humanize.Comma(int64(v.Files)), humanSize(v.Bytes))
	return err
}
