package space_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// Codes lists each code that is declared.
func TestCodes(t *testing.T) {
	source, err := os.ReadFile("error.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\tCode\w+ +Code = "(\w+)"`).FindAllSubmatch(source, -1)
	for _, match := range declared {
		if !slices.Contains(space.Codes(), space.Code(match[1])) {
			t.Errorf("%s is not listed", match[1])
		}
	}
	if len(declared) < 20 || len(declared) != len(space.Codes()) {
		t.Errorf("%d are declared, %d listed", len(declared), len(space.Codes()))
	}
}
