package main

import (
	"strings"
	"testing"
)

func TestHang(t *testing.T) {
	const text = "one two three four five six seven eight nine"
	for _, c := range []struct {
		width      int
		text, want string
	}{
		{0, text, "label: " + text + "\n"},
		{39, text, "label: " + text + "\n"},
		{40, text, "label: one two three four five six seven\n       eight nine\n"},
		{40, "ééééé èèèèè ééééé èèèèè ééééé èèè é", "label: ééééé èèèèè ééééé èèèèè ééééé èèè\n       é\n"},
		{40, "a " + strings.Repeat("b", 50) + " c", "label: a\n       " + strings.Repeat("b", 50) + "\n       c\n"},
		{80, "", "label: \n"},
	} {
		if got := hang("label: ", c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns is\n%s, want\n%s", c.text, c.width, got, c.want)
		}
	}
}
