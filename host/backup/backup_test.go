package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/backup"
)

// T32: what is restored is what was there, and nothing else, while a server has the directory open.
func TestRoundTrip(t *testing.T) {
	dir, s := data(t)
	var archive, keys bytes.Buffer
	var began backup.Manifest
	added := 0
	c := backup.Config{
		Data: dir, Version: "v1", Logs: true,
		Begin: func(m backup.Manifest) { began = m }, Add: func(n int) { added += n },
	}
	m, err := backup.Write(t.Context(), c, &archive)
	must(t, err)
	names, err := backup.WriteKeys(t.Context(), c, &keys)
	must(t, err)
	if !slices.Equal(names, []string{"token", "cache.key"}) {
		t.Errorf("keys %v", names)
	}
	if !reflect.DeepEqual(began, m) || m.Bundles != 3 || m.Spacewasm != "v1" || len(m.Apps) != 2 || m.Apps[0].Revisions != 2 ||
		m.Apps[0].Active != 2 || m.Apps[0].Bytes != 20_004 || int64(added) < m.Bytes {
		t.Errorf("manifest %+v, then %+v; %d bytes were told of", began, m, added)
	}
	to := filepath.Join(t.TempDir(), "new", "data")
	restored, err := backup.Restore(t.Context(), backup.RestoreConfig{Data: to}, &archive, &keys)
	must(t, err)
	if !reflect.DeepEqual(restored, m) {
		t.Errorf("manifest %+v, want %+v", restored, m)
	}
	want := tree(t, dir)
	maps.DeleteFunc(want, func(name, _ string) bool {
		return strings.HasPrefix(name, "cache/") || strings.HasPrefix(name, "tmp/") || strings.HasPrefix(name, "blobs/.stage-1/")
	})
	got := tree(t, to)
	if !reflect.DeepEqual(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("got %q\nwant %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s is another: %.100q", name, got[name])
		}
	}
	before, err := s.Active(t.Context())
	must(t, err)
	after, err := open(t, to).Active(t.Context())
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("got %+v, %v\nwant %+v", after, err, before)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "token": 0o600, "cache.key": 0o600, "spacewasm.db": 0o600, "logs/a/0001": 0o600} {
		if info, err := os.Stat(filepath.Join(to, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v, %v", name, info.Mode(), err)
		}
	}
}

// T32: the server's secrets are in a backup only if they are asked for, and then apart.
func TestKeysApart(t *testing.T) {
	dir, _ := data(t)
	archive := write(t, dir, false)
	for _, p := range parts(t, archive) {
		if strings.Contains(p.content, "sw_token") || strings.Contains(p.content, "key of the cache") || strings.HasPrefix(p.Name, "logs") {
			t.Errorf("%s is in the backup", p.Name)
		}
	}
	to := filepath.Join(t.TempDir(), "data")
	must(t, restore(t, to, archive, nil))
	for _, name := range []string{"token", "cache.key", "logs"} {
		if _, err := os.Stat(filepath.Join(to, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "my-key")
	must(t, os.WriteFile(elsewhere, []byte("a key elsewhere\n"), 0o600))
	var keys bytes.Buffer
	_, err := backup.WriteKeys(t.Context(), backup.Config{Data: dir, KeyFile: elsewhere}, &keys)
	must(t, err)
	to = filepath.Join(t.TempDir(), "data")
	must(t, restore(t, to, archive, keys.Bytes()))
	if got := tree(t, to); got["key"] != "a key elsewhere\n" || got["token"] != "sw_token\n" {
		t.Errorf("keys restored as %q and %q", got["key"], got["token"])
	}
	if _, err := backup.WriteKeys(t.Context(), backup.Config{Data: dir, KeyFile: elsewhere + "-typo"}, io.Discard); err == nil {
		t.Error("a key file that is not there was backed up")
	}
	empty := t.TempDir()
	if _, err := backup.WriteKeys(t.Context(), backup.Config{Data: empty}, io.Discard); !errors.Is(err, backup.ErrNoKeys) {
		t.Errorf("keys of nothing: %v", err)
	}
}

// A directory that holds no apps is not backed up, nor made.
func TestNothingToBackUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "typo")
	_, err := backup.Write(t.Context(), backup.Config{Data: dir}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
}

// T32: a bundle that is not what it was is no part of a backup; the error says whose it is.
func TestBitRot(t *testing.T) {
	for name, rot := range map[string]func(path string) error{
		"a changed file": func(path string) error {
			must(t, os.Chmod(path+"/main.wasm", 0o600))
			return os.WriteFile(path+"/main.wasm", []byte("3"), 0o600)
		},
		"a shorter file": func(path string) error { return os.Truncate(path+"/main.wasm", 0) },
		"a lost file":    func(path string) error { return os.Remove(path + "/main.wasm") },
		"one too many":   func(path string) error { return os.WriteFile(path+"/more", nil, 0o600) },
		"a lost folder":  func(path string) error { return os.Remove(path + "/empty") },
		"a lost bundle":  os.RemoveAll,
	} {
		dir, s := data(t)
		digest := push(t, s, "rotten", map[string]string{"main.wasm": "code", "empty/": ""})
		must(t, rot(filepath.Join(dir, "blobs", string(digest))))
		var b bytes.Buffer
		_, err := backup.Write(t.Context(), backup.Config{Data: dir}, &b)
		lost, ok := errors.AsType[*backup.LostError](err)
		if !ok || lost.Bundle.App != "rotten" || lost.Bundle.Revision != 1 || lost.Bundle.Digest != digest ||
			!strings.Contains(err.Error(), "revision 1 of rotten") {
			t.Errorf("%s: %v", name, err)
		}
		refused(t, name, b.Bytes(), nil)
	}
}

// A backup takes a constant amount of memory, in both directions.
func TestConstantMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	push(t, s, "large", map[string]string{"main.wasm": strings.Repeat(noise(1<<20), 64)})
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	used := func(what string, run func()) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		run()
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%s of 64 MiB took %d bytes of memory", what, n)
		}
	}
	used("a backup", func() {
		_, err := backup.Write(t.Context(), backup.Config{Data: dir}, f)
		must(t, err)
	})
	_, err = f.Seek(0, io.SeekStart)
	must(t, err)
	used("a restore", func() {
		_, err := backup.Restore(t.Context(), backup.RestoreConfig{Data: filepath.Join(t.TempDir(), "data")}, f, nil)
		must(t, err)
	})
}

// Ctrl-C leaves nothing, at any point.
func TestInterrupted(t *testing.T) {
	dir, _ := data(t)
	archive := write(t, dir, true)
	total := 0
	stopAfter := func(pieces int) (backup.RestoreConfig, context.Context) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		return backup.RestoreConfig{Data: filepath.Join(t.TempDir(), "parent", "data"), Add: func(int) {
			if total++; total == pieces {
				cancel()
			}
		}}, ctx
	}
	c, ctx := stopAfter(-1)
	_, err := backup.Restore(ctx, c, bytes.NewReader(archive), nil)
	must(t, err)
	pieces := total
	for i := 1; i < pieces; i++ {
		total = 0
		c, ctx := stopAfter(i)
		if _, err := backup.Restore(ctx, c, bytes.NewReader(archive), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d of %d pieces: %v", i, pieces, err)
		}
		if left := tree(t, filepath.Dir(c.Data)); len(left) > 0 {
			t.Errorf("after %d of %d pieces there is %v", i, pieces, left)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = backup.Write(ctx, backup.Config{Data: dir, Add: func(int) { cancel() }}, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a backup: %v", err)
	}
}
