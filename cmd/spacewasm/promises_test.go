package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromises holds the documents that promise to their word: every test that
// they name exists.
func TestPromises(t *testing.T) {
	known := tests(t)
	for _, file := range []string{"specification.md", "security.md", "compatibility.md"} {
		named := testName().FindAllStringSubmatch(document(t, file), -1)
		if len(named) < 20 {
			t.Errorf("%s names %d tests only", file, len(named))
		}
		for _, match := range named {
			if !known[match[1]] {
				t.Errorf("%s names %s, which is no test", file, match[1])
			}
		}
	}
}

// TestCompatibility wants a test for each row that says that we do as Deta Space did.
func TestCompatibility(t *testing.T) {
	rows := 0
	for line := range strings.Lines(document(t, "compatibility.md")) {
		if !strings.HasPrefix(line, "| ") || !strings.Contains(line, "as the original") {
			continue
		}
		if rows++; !testName().MatchString(line) {
			t.Errorf("no test holds this: %s", line)
		}
	}
	if rows < 20 {
		t.Errorf("%d rows only", rows)
	}
}

func testName() *regexp.Regexp { return regexp.MustCompile("`((?:Test|Fuzz)\\w*)") }

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tests are the names of all tests there are.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, match := range declared.FindAllSubmatch(code, -1) {
			known[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}
