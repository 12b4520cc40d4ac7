package main_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// foreign are flags of other programs that examples/deploy and docs/operations.md
// use: docker, useradd, systemctl, systemd-analyze, tar.
const foreign = "--build --system --home-dir --shell --offline --now --exclude --anchored --from --chown"

// repository returns a file's text, by its path from the root.
func repository(t *testing.T, path string) string {
	t.Helper()
	return string(read(t, filepath.Join("..", "..", path)))
}

// What is written for those who run a server names flags and variables that there
// are.
func TestDeployFlags(t *testing.T) {
	help, _ := console(t, 0, "", "serve", "--help")
	for _, command := range []string{"push", "login", "logs", "backup", "restore", "token create", "keys", "env", "dev", "profile"} {
		text, _ := console(t, 0, "", append(strings.Fields(command), "--help")...)
		help += text
	}
	words := regexp.MustCompile(`--[a-z][a-z0-9-]+|SPACEWASM_[A-Z_]+`)
	known := append(words.FindAllString(help, -1), strings.Fields(foreign)...)
	files, err := filepath.Glob("../../examples/deploy/*")
	must(t, err)
	files = append(files, "../../docs/operations.md", "../../docs/security.md", "../../README.md")
	used := 0
	for _, file := range files {
		for _, word := range words.FindAllString(string(read(t, file)), -1) {
			used++
			if !slices.Contains(known, word) && word != "--help" && word != "--json" {
				t.Errorf("%s names %s, which is no flag of ours", filepath.Base(file), word)
			}
		}
	}
	if used < 30 {
		t.Errorf("only %d flags are named: is this the right place?", used)
	}
}

// arguments are what the unit, the compose file and the image give to the program.
func arguments(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for line := range strings.Lines(repository(t, "examples/deploy/spacewasm.service")) {
		if command, ok := strings.CutPrefix(line, "ExecStart="); ok {
			all["spacewasm.service"] = strings.Fields(command)[1:]
		}
	}
	compose := repository(t, "examples/deploy/compose.yaml")
	_, list, _ := strings.Cut(compose, "command:\n")
	list, _, _ = strings.Cut(list, "    ports:")
	for line := range strings.Lines(list) {
		all["compose.yaml"] = append(all["compose.yaml"], strings.TrimPrefix(strings.TrimSpace(line), "- "))
	}
	for name, list := range all {
		if len(list) < 2 || list[0] != "serve" {
			t.Fatalf("the arguments of %s are %q", name, list)
		}
	}
	if len(all) != 2 {
		t.Fatalf("found %v", all)
	}
	return all
}

// duration returns the first time that a pattern finds in a text.
func duration(t *testing.T, text, pattern, unit string) time.Duration {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("%q is not in:\n%s", pattern, text)
	}
	d, err := time.ParseDuration(match[1] + unit)
	must(t, err)
	return d
}

// T35: the unit's and the compose file's commands serve, and end well, within the
// time that they are given.
func TestE2EDeployCommands(t *testing.T) {
	// In queues, to write and to close; see host.shutdown and host.Close.
	const patience = 5*time.Second + 10*time.Second + 10*time.Second
	help, _ := console(t, 0, "", "serve", "--help")
	timeout := duration(t, help, `--timeout duration .*\(default (\w+)\)`, "")
	given := map[string]time.Duration{
		"spacewasm.service": duration(t, repository(t, "examples/deploy/spacewasm.service"), `(?m)^TimeoutStopSec=(\d+)$`, "s"),
		"compose.yaml":      duration(t, repository(t, "examples/deploy/compose.yaml"), `stop_grace_period: (\w+)`, ""),
	}
	for name, args := range arguments(t) {
		delay := duration(t, strings.Join(args, " "), `--drain-delay[= ](\w+)`, "")
		if most := timeout + patience + delay; given[name] < most {
			t.Errorf("%s has %v to end, and may need %v", name, given[name], most)
		}
		data := t.TempDir()
		args = append(args, "--listen", "127.0.0.1:0", "--data", data, "--drain-delay", "0s")
		s := serveCommand(t, data, exec.Command(program(t), args...))
		if a := s.get("", "/readyz"); a.status != 200 {
			t.Errorf("%s: /readyz is %d", name, a.status)
		}
		s.stop()
	}
}

// The unit is one that systemd takes, and says what it must: it does not end the
// server when a child is ended, and leaves the children Landlock.
func TestDeployUnit(t *testing.T) {
	unit := repository(t, "examples/deploy/spacewasm.service")
	contains(t, unit, "\nOOMPolicy=continue\n", "\nKillMode=mixed\n", "\nLimitCORE=0\n", "\nCapabilityBoundingSet=\n",
		"\nSystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self\n")
	if strings.Contains(unit, "\nMemoryDenyWriteExecute=") || strings.Contains(unit, "\nProcSubset=") {
		t.Error("the unit forbids what the server needs")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is missing")
	}
	// The program has to be there.
	unit = strings.ReplaceAll(unit, "/usr/local/bin/spacewasm", program(t))
	file := filepath.Join(t.TempDir(), "spacewasm.service")
	must(t, os.WriteFile(file, []byte(unit), 0o644))
	for _, args := range [][]string{
		{"verify", "--man=no", file},
		{"security", "--offline=true", "--threshold=20", file}, // an exposure of 2.0 of 10
	} {
		if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// The image is built by the Go of go.mod, and from all that the program needs.
func TestDockerfile(t *testing.T) {
	file := repository(t, "examples/deploy/Dockerfile")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(repository(t, "go.mod"))[1]
	contains(t, file, "FROM golang:"+version+" ")
	for _, doc := range []string{"README.md", "CONTRIBUTING.md"} {
		contains(t, repository(t, doc), "Go "+version)
	}
	out, err := exec.Command("go", "list", "-deps", modulePath+"cmd/spacewasm").Output()
	must(t, err)
	for path := range strings.FieldsSeq(string(out)) {
		ours, ok := strings.CutPrefix(path, modulePath)
		if !ok {
			continue
		}
		folder, _, _ := strings.Cut(ours, "/")
		contains(t, file, "\nCOPY "+folder+" "+folder+"\n")
		contains(t, repository(t, "examples/deploy/Dockerfile.dockerignore"), "\n!"+folder+"\n")
	}
}

// T35: the image holds the program alone, and runs it as a user without rights: a
// root with nothing else but /proc and the data directory is enough.
func TestE2EImage(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root")
	}
	image := t.TempDir()
	data := filepath.Join(image, "data")
	must(t, os.WriteFile(filepath.Join(image, "spacewasm"), read(t, program(t)), 0o755))
	must(t, os.Mkdir(filepath.Join(image, "proc"), 0o755))
	must(t, os.Mkdir(data, 0o700))
	must(t, os.Chown(data, nobody, nobody))
	for dir := image; dir != os.TempDir(); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	// The mount is the shell's alone, and ends with the server.
	const script = `mount -t proc none "$0/proc" && exec chroot --userspec=65534:65534 --groups= "$0" \
		/spacewasm serve --listen 127.0.0.1:0 --data /data`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", script, image)
	s := serveCommand(t, data, cmd)
	s.console(0, "push", "--app", "hello", helloGo(t))
	contains(t, s.ok("hello", "/"), "Hello")
	s.stop() // so that all of its log is here
	if log := s.stderr.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the server complains:\n%s", log)
	}
}

// The links between the documents lead somewhere.
func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	found := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		for _, match := range link.FindAllStringSubmatch(string(read(t, path)), -1) {
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), match[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, match[1])
			}
		}
		return nil
	})
	if err != nil || found < 10 {
		t.Errorf("%d links, %v", found, err)
	}
}
