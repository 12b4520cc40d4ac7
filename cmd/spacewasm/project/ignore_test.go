package project_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
)

func TestIgnoreRules(t *testing.T) {
	for _, tc := range []struct{ rules, out, in string }{
		{"a", "a b/a a/b b/a/c", "ab b/ab"},
		{"/a", "a a/b", "b/a"},
		{"a/b", "a/b a/b/c", "x/a/b"},
		{"a/", "a/x b/a/x", "a"},
		{"*.log\n!keep.log", "x.log a/x.log", "keep.log a/keep.log"},
		{"a\n!a/b", "a/b", "b"}, // what lies in a folder that is left out stays out
		{"a/*\n!a/b", "a/c", "a/b a/b/d"},
		{"**/a/b", "a/b x/a/b x/a/y/a/b", "a/x/b"},
		{"a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb"},
		{"a/**", "a/x a/x/y", "a"},
		{"a**b/c", "axb/c ab/c", "a/b/c"},
		{"?[a-c]\n!x[!a]", "xa yb", "xb xc yd x/d"},
		{"[[:digit:]]x", "1x", "ax"},
		{"[]-]x", "]x -x", "ax"},
		{"a[.-0]b", "a.b a0b", "a/b axb"},
		{"\\#a\n\\!b\n# c\nd\\ \n e  ", "#a !b d\\_", "c"},
		{"# only\r\n\r\na\r\n", "a", "b"},
		{"é?", "éü", "é"},
	} {
		rules, faults := project.ParseRules(tc.rules)
		if len(faults) > 0 {
			t.Errorf("%q: %v", tc.rules, faults)
		}
		for path := range strings.FieldsSeq(tc.out) {
			if rules.Drops(strings.ReplaceAll(path, `\_`, " ")) == "" {
				t.Errorf("%q packs %s", tc.rules, path)
			}
		}
		for path := range strings.FieldsSeq(tc.in) {
			if pattern := rules.Drops(path); pattern != "" {
				t.Errorf("%q: %q leaves out %s", tc.rules, pattern, path)
			}
		}
	}
}

func TestIgnoreFaults(t *testing.T) {
	rules, faults := project.ParseRules("a\n[b\nc\\\n/\n!d")
	if lines := rules.Lines(); !slices.Equal(lines, []int{1, 5}) || len(faults) != 3 {
		t.Fatalf("rules of the lines %d, faults %v", lines, faults)
	}
	for i, want := range []string{`.spaceignore:2: "[b" is no pattern: a [ is not closed`, `.spaceignore:3: `, `.spaceignore:4: "/" names nothing`} {
		wants(t, faults[i].String(), want)
	}
}

// The rules mean what git has them mean.
func TestIgnoreIsGits(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
	repo := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", repo).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Names that are folders end in d, so that git, which looks at the disk, knows.
	for _, name := range []string{"d", "d/d", "d/ad", "ad", "ad/d", "d/d/d"} {
		must(t, os.MkdirAll(filepath.Join(repo, name), 0o755))
	}
	file := rapid.SampledFrom([]string{"a", "b", "ab", ".a", "a-b", "]", "b.c"})
	folder := rapid.SampledFrom([]string{"", "d/", "d/d/", "ad/", "d/ad/", "d/d/d/"})
	// git forgets what stood before stars that follow a name at once, and takes them for folders.
	odd := regexp.MustCompile(`[^/!]\*\*`)
	part := rapid.SampledFrom([]string{
		"a", "b", "d", "ad", "*", "**", "?", "/", "/**/", "[a-c]", "[!a]", "[]]", ".", "-", "!", "***", `\a`, `\*`, "/", "[.-0]", "[[:alpha:]]", " ", "#",
	})
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return odd.ReplaceAllString(strings.Join(rapid.SliceOfN(part, 1, 5).Draw(t, "pattern"), ""), "a*")
		}), 1, 4).Draw(t, "lines")
		text := strings.Join(lines, "\n") + "\n"
		rules, _ := project.ParseRules(text)
		if err := os.WriteFile(filepath.Join(repo, ".gitignore"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var paths []string
		for range 12 {
			paths = append(paths, folder.Draw(t, "folder")+file.Draw(t, "file"))
		}
		ignored := gitIgnores(t, repo, paths)
		for _, path := range paths {
			if got := rules.Drops(path) != ""; got != ignored[path] {
				t.Fatalf("%q: %s is left out %t; git says %t", text, path, got, ignored[path])
			}
		}
	})
}

// gitIgnores asks git which of the paths it would ignore.
func gitIgnores(t *rapid.T, repo string, paths []string) map[string]bool {
	cmd := exec.Command("git", "-C", repo, "check-ignore", "--no-index", "-z", "--stdin")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\x00") + "\x00")
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || failed.ExitCode() != 1) {
		t.Fatal(err)
	}
	ignored := map[string]bool{}
	for name := range bytes.SplitSeq(out, []byte{0}) {
		ignored[string(name)] = true
	}
	return ignored
}
