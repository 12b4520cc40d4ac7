package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"
)

// printReport prints a report for a person: on a terminal in lines of its width,
// elsewhere each thing on one line.
func (c *cli) printReport(r *inspection) error {
	labels := [][2]string{
		{"language", r.maker()},
		{"contract", r.contract()},
		{"snapshot", r.snapshotWords()},
		{"seeded", r.Seeded},
		{"proposals", r.proposals()},
		{"memory", r.memory()},
		{"size", r.size()},
		{"functions", humanize.Comma(int64(r.Functions))},
		{"databases", r.databases()},
		{"imports", listed(r.Imports)},
		{"exports", listed(r.Exports)},
	}
	if !r.readable() {
		labels = [][2]string{labels[0], labels[4], labels[6]} // language, proposals, size
	}
	width := terminalWidth(c.out)
	var err error
	for _, l := range labels {
		if l[1] != "" {
			_, err = fmt.Fprint(c.out, hang(fmt.Sprintf("%-11s", l[0]), cell(l[1]), width))
		}
	}
	for _, fault := range r.Faults {
		_, err = fmt.Fprint(c.out, "\n", hang("to change: ", cell(fault), width))
	}
	for _, advice := range r.Advice {
		_, err = fmt.Fprint(c.out, "\n", hang("advice: ", cell(advice), width))
	}
	return err
}

// databases describes those of the module's folder.
func (i *inspection) databases() string {
	var words []string
	for _, d := range i.Databases {
		words = append(words, databaseWords(d))
	}
	return strings.Join(words, "; ")
}

// readable tells whether more is known of the module than what made it.
func (i *inspection) readable() bool {
	return i.Functions > 0 || len(i.Exports) > 0 || len(i.Imports) > 0
}

func (i *inspection) maker() string {
	switch {
	case i.Language == "" && i.Compiler != "":
		return "unknown, compiled by " + i.Compiler
	case i.Compiler == "":
		return i.Language
	}
	return i.Language + ", compiled by " + i.Compiler
}

func (i *inspection) contract() string {
	if i.Contract == "" {
		return "none"
	}
	return fmt.Sprintf("%s: %s", i.Contract, i.Why)
}

// snapshotWords says whether there is a snapshot, or why not.
func (i *inspection) snapshotWords() string {
	switch {
	case i.SnapshotBytes > 0:
		return fmt.Sprintf("%s after %s", humanize.IBytes(i.SnapshotBytes), milliseconds(i.InitialiseMS))
	case i.Snapshot != "":
		return "no: " + i.Snapshot
	}
	return "no: the module cannot be deployed"
}

func (i *inspection) proposals() string {
	switch {
	case len(i.Proposals) > 0:
	case i.readable():
		return "none"
	default:
		return ""
	}
	text := strings.Join(i.Proposals, " ")
	if len(i.Lacks) > 0 {
		text += "; of these the server lacks " + strings.Join(i.Lacks, " ")
	}
	return text
}

func (i *inspection) memory() string {
	most := "as far as the server's limit allows"
	if i.MemoryMax > 0 {
		most = "to at most " + humanize.IBytes(i.MemoryMax)
	}
	return fmt.Sprintf("starts with %s, grows %s", humanize.IBytes(i.MemoryMin), most)
}

func (i *inspection) size() string {
	var b strings.Builder
	b.WriteString(humanize.IBytes(uint64(i.Sizes.File)))
	for _, part := range []struct {
		name  string
		bytes int
	}{{"code", i.Sizes.Code}, {"data", i.Sizes.Data}, {"names", i.Sizes.Names}, {"debugging information", i.Sizes.Debug}} {
		if part.bytes > 0 {
			fmt.Fprintf(&b, ", %s %s", part.name, humanize.IBytes(uint64(part.bytes)))
		}
	}
	return b.String()
}

// listed joins names with their number; those of WASI go without their module.
func listed(names []string) string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = strings.TrimPrefix(name, "wasi_snapshot_preview1.")
	}
	const most = 48
	rest := ""
	if len(short) > most {
		rest = fmt.Sprintf(" … and %d more (--json lists all)", len(short)-most)
		short = short[:most]
	}
	return fmt.Sprintf("%d: %s%s", len(names), strings.Join(short, " "), rest)
}

// terminalWidth is the number of columns of the terminal that out is, 0 if it is
// none.
func terminalWidth(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// hang prints a label and its text, whose further lines stand below the first word
// of it; a width of 0 makes one line.
func hang(label, text string, width int) string {
	const narrowest = 40
	if width < narrowest {
		return label + text + "\n"
	}
	var b strings.Builder
	b.WriteString(label)
	column, indent := len(label), strings.Repeat(" ", len(label))
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}
