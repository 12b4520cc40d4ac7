package space

import "reflect"

// Changes says in words what the Micros of a revision have changed of those of the one
// before it: what was removed, then what is new or another, in the order of the
// Micros. It says so if nothing has changed.
func Changes(before, after []Micro) []string {
	old, now := microsByName(before), microsByName(after)
	var words []string
	for _, m := range before {
		if _, stays := now[m.Name]; !stays {
			words = append(words, "micro "+m.Name+" removed")
		}
	}
	for _, m := range after {
		was, known := old[m.Name]
		if !known {
			words = append(words, "micro "+m.Name+" added")
			continue
		}
		words = append(words, changesOf(was, m)...)
	}
	if len(words) == 0 {
		return []string{"nothing"}
	}
	return words
}

func microsByName(micros []Micro) map[string]Micro {
	names := make(map[string]Micro, len(micros))
	for _, m := range micros {
		names[m.Name] = m
	}
	return names
}

// changesOf compares two of one name. The module is one of the files, so that of two
// bundles with different modules only their sizes tell whether others changed too.
func changesOf(was, is Micro) []string {
	code := was.Module != is.Module || was.WasmBytes != is.WasmBytes
	if was.Module == "" || is.Module == "" { // of an earlier version, or static
		code = was.WasmBytes != is.WasmBytes
	}
	files := was.Bundle != is.Bundle
	if code {
		files = was.BundleBytes-was.WasmBytes != is.BundleBytes-is.WasmBytes
	}
	var words []string
	for _, change := range []struct {
		made bool
		what string
	}{
		{code, "code"},
		{files, "files"},
		{was.Path != is.Path, "path"},
		{!reflect.DeepEqual(was.settings(), is.settings()), "settings"},
	} {
		if change.made {
			words = append(words, change.what+" of "+is.Name+" changed")
		}
	}
	return words
}

// settings is what the Spacefile says of a Micro, without what came of it.
func (m Micro) settings() Micro {
	m.Path = ""
	m.Bundle, m.BundleBytes, m.Module, m.WasmBytes = "", 0, "", 0
	m.Contract, m.MemoryBytes, m.CompileTime = "", 0, 0
	m.NoSnapshot, m.SnapshotBytes, m.InitialiseTime, m.Drew = "", 0, 0, nil
	if m.Engine == "" {
		m.Engine = EngineWasm
	}
	return m
}
