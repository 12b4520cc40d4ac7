package space

import (
	"fmt"
	"regexp"
	"time"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) action(n *yaml.Node, under string) Action {
	var a Action
	trigger := ""
	d.mapping(n, under, map[string]func(*yaml.Node, string){
		"id":               func(n *yaml.Node, key string) { a.ID = checked(d, n, key, parseActionID) },
		"name":             func(n *yaml.Node, key string) { a.Name = checked(d, n, key, atMost(maxDescription)) },
		"description":      func(n *yaml.Node, key string) { a.Description = checked(d, n, key, atMost(maxDescription)) },
		"path":             func(n *yaml.Node, key string) { a.Path = checked(d, n, key, parseActionPath) },
		"trigger":          func(n *yaml.Node, key string) { trigger = checked(d, n, key, parseTrigger) },
		"default_interval": func(n *yaml.Node, key string) { a.DefaultInterval = checked(d, n, key, parseIntervalText) },
		"timezone":         func(n *yaml.Node, key string) { a.Timezone = checked(d, n, key, parseZoneName) },
		"overlap":          func(n *yaml.Node, key string) { a.Overlap = checked(d, n, key, parseOverlap) },
		"retries":          func(n *yaml.Node, key string) { a.Retries = checked(d, n, key, parseRetries) },
		"missed":           func(n *yaml.Node, key string) { a.Missed = checked(d, n, key, parseMissed) },
		"spread":           func(n *yaml.Node, key string) { a.Spread = checked(d, n, key, parseSpread) },
	})
	d.needed(n, under, map[string]string{
		"id": a.ID, "name": a.Name, "trigger": trigger, "default_interval": a.DefaultInterval,
	}, "id", "name", "trigger", "default_interval")
	return a
}

func parseActionID(s string) (string, error) {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`).MatchString(s) {
		return "", fmt.Errorf("%q: want at most 64 letters, digits and . _ : -, a letter or digit first", s)
	}
	return s, nil
}

func parseTrigger(s string) (string, error) {
	if s != "schedule" {
		return "", fmt.Errorf("%q: there is only schedule", s)
	}
	return s, nil
}

// parseIntervalText keeps the text of an interval that can be read, on one line.
func parseIntervalText(s string) (string, error) {
	interval, err := ParseInterval(s, nil)
	return interval.String(), err
}

// parseZoneName keeps the name of a time zone that there is.
func parseZoneName(s string) (string, error) {
	_, err := ParseZone(s)
	return s, err
}

func parseOverlap(s string) (Overlap, error) {
	switch o := Overlap(s); o {
	case OverlapSkip, OverlapQueue:
		return o, nil
	}
	return "", fmt.Errorf("%q: want skip, which leaves out a run that is due while the one before goes on, or queue, which has it wait", s)
}

func parseRetries(s string) (int, error) {
	n, err := number(s)
	if err != nil || n > MaxRetries {
		return 0, fmt.Errorf("%q: want a whole number from 0 to %d", s, MaxRetries)
	}
	return n, nil
}

func parseMissed(s string) (Missed, error) {
	switch m := Missed(s); m {
	case MissedSkip, MissedOnce:
		return m, nil
	}
	return "", fmt.Errorf("%q: want skip, which leaves out what was due while the server was down, or once, which makes up for it by one run", s)
}

func parseSpread(s string) (time.Duration, error) {
	t, err := time.ParseDuration(s)
	if err != nil || t < 0 || t > MaxSpread {
		return 0, fmt.Errorf("%q: want a time from 0s to 1h, such as 30s or 5m", s)
	}
	return t, nil
}
