package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/backup"
	"github.com/spacewasm/spacewasm/host/store"
)

// T32: a backup that is cut anywhere, or of which any part is damaged, is refused before anything is in place.
func TestDamaged(t *testing.T) {
	dir, _ := data(t)
	archive := write(t, dir, true)
	step, harmless := max(1, len(archive)/100), 0
	for at := 0; at < len(archive); at += step {
		refused(t, "cut", archive[:at], nil)
		bad := bytes.Clone(archive)
		bad[at] ^= 0x40
		// Of a run of zeros, and of the header's time, there are several forms.
		if !bytes.Equal(unzipped(bad), unzipped(archive)) {
			refused(t, fmt.Sprintf("damaged at %d of %d", at, len(archive)), bad, nil)
		} else {
			harmless++
		}
	}
	if harmless > 20 {
		t.Errorf("%d of 100 archives were not damaged", harmless)
	}
	refused(t, "cut by a byte", archive[:len(archive)-1], nil, "damaged", "ends too early")
	refused(t, "longer", append(bytes.Clone(archive), "more"...), nil, "damaged")
	refused(t, "something else", []byte("<html>not found</html>"), nil, "no backup")
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write([]byte("no archive"))
	zw.Close()
	refused(t, "something else that is packed", b.Bytes(), nil)
}

// unzipped is what is in a gzip stream, nil if that is damaged.
func unzipped(packed []byte) []byte {
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return nil
	}
	return text
}

// T32: an archive that is whole, but that we would not have written, is refused.
func TestHostile(t *testing.T) {
	dir, _ := data(t)
	all := parts(t, write(t, dir, true))
	if err := restore(t, filepath.Join(t.TempDir(), "data"), sealed(t, all), nil); err != nil {
		t.Fatalf("what was only packed anew: %v", err)
	}
	at := func(name string) int {
		return slices.IndexFunc(all, func(p part) bool { return strings.HasPrefix(p.Name, name) })
	}
	blob := all[at("blobs/")].Name
	last := at("logs/")
	with := func(i int, more ...part) []part { return slices.Insert(slices.Clone(all), i, more...) }
	link := func(name, to string, kind byte) part {
		return part{tar.Header{Typeflag: kind, Name: name, Linkname: to}, ""}
	}
	for name, c := range map[string]struct {
		parts []part
		says  string
	}{
		"a name above":         {with(last, file("../x", "")), "not the name"},
		"a name in the middle": {with(last, file(blob+"../../x", "")), "not the name"},
		"an absolute name":     {with(last, file("/etc/x", "")), "not the name"},
		"a backslash":          {with(last, file(blob+`a\b`, "")), "not the name"},
		"no name":              {with(last, file("", "")), "not the name"},
		"a long name":          {with(last, file(blob+strings.Repeat("x", 300), "")), "not the name"},
		"a deep name":          {with(last, file(blob+strings.Repeat("x/", 100)+"x", "")), "not the name"},
		"a link":               {with(last, link(blob+"l", "/etc/passwd", tar.TypeSymlink)), "neither a file nor a folder"},
		"a hard link":          {with(last, link(blob+"l", "/etc/passwd", tar.TypeLink)), "neither a file nor a folder"},
		"a device":             {with(last, link(blob+"l", "", tar.TypeChar)), "neither a file nor a folder"},
		"a FIFO":               {with(last, link(blob+"l", "", tar.TypeFifo)), "neither a file nor a folder"},
		"a token":              {with(last, file("token", "sw_mine")), "no place"},
		"a cache":              {with(last, folder("cache")), "no place"},
		"a file among blobs":   {with(last, file("blobs/x", "")), "does not need"},
		"a staging folder":     {with(last, folder("blobs/.stage-1")), "does not need"},
		"a bundle too many":    {with(last, folder("blobs/"+strings.Repeat("0", 64))), "does not need"},
		"a bundle twice":       {with(last, folder(strings.TrimSuffix(blob, "/"))), "comes twice"},
		"a bundle in pieces":   {with(last, file(blob+"zzz", "")), "another bundle"},
		"a file twice":         {with(at(blob)+2, all[at(blob)+1]), "contradicts"},
		"a file in nothing":    {with(at(blob)+1, file(blob+"none/x", "")), "contradicts"},
		"a file too many":      {with(at(blob)+1, file(blob+"0", "")), "not those that were stored"},
		"a database twice":     {with(last, all[1]), "no place"},
		"no database":          {slices.Delete(slices.Clone(all), 1, 2), "not with the database"},
		"nothing":              {all[:1], "no database"},
		"a bundle too few":     {slices.Delete(slices.Clone(all), at(blob), last), "lacks 3 bundles"},
		"a blob after logs":    {append(slices.Clone(all), file(blob+"0", "")), "no place"},
		"a log twice":          {append(slices.Clone(all), all[len(all)-1]), "contradicts"},
		"logs unannounced":     {manifest(t, all, func(m *backup.Manifest) { m.Logs = false }), "no place"},
		"another database":     {manifest(t, all, func(m *backup.Manifest) { m.Database = hex.EncodeToString(make([]byte, 32)) }), "not the one"},
		"a newer format":       {manifest(t, all, func(m *backup.Manifest) { m.Format = 2 }), "upgrade the program"},
		"no format":            {manifest(t, all, func(m *backup.Manifest) { m.Format = 0 }), "no backup"},
		"keys":                 {manifest(t, all, func(m *backup.Manifest) { m.Kind = "keys" }), "give it as --keys"},
		"a manifest of what":   {append([]part{file("manifest.json", "[")}, all[1:]...), "damaged"},
		"a huge manifest":      {append([]part{file("manifest.json", strings.Repeat(" ", 17<<20))}, all[1:]...), "more than"},
		"no manifest":          {all[1:], "no backup"},
	} {
		refused(t, name, sealed(t, c.parts), nil, c.says)
	}
	refused(t, "something after the end", sealed(t, all, file("x", "")), nil, "follows its last entry")
}

// The secrets' archive may be anybody's too.
func TestHostileKeys(t *testing.T) {
	dir, _ := data(t)
	archive := write(t, dir, false)
	var b bytes.Buffer
	_, err := backup.WriteKeys(t.Context(), backup.Config{Data: dir}, &b)
	must(t, err)
	keys := b.Bytes()
	all := parts(t, keys)
	refused(t, "data for keys", archive, archive, "not of keys")
	refused(t, "keys for data", keys, keys, "give it as --keys")
	refused(t, "cut keys", archive, keys[:len(keys)-5], "damaged")
	for name, p := range map[string]part{
		"a database": file("spacewasm.db", ""), "a folder": folder("token"), "a long one": file("key", strings.Repeat("x", 5000)),
	} {
		refused(t, name, archive, sealed(t, append(slices.Clone(all), p)), "no file of a secret")
	}
}

// T31: a backup of a newer version is refused with advice.
func TestNewerSchema(t *testing.T) {
	dir, s := data(t)
	must(t, s.Close())
	db, err := sql.Open("sqlite", filepath.Join(dir, "spacewasm.db"))
	must(t, err)
	all := parts(t, write(t, dir, false))
	_, err = db.Exec("PRAGMA user_version = 1000")
	must(t, err)
	must(t, db.Close())
	var b bytes.Buffer
	if _, err := backup.Write(t.Context(), backup.Config{Data: dir}, &b); err == nil || !strings.Contains(err.Error(), "upgrade the program") {
		t.Errorf("a backup of one: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "spacewasm.db"))
	must(t, err)
	content := store.NewDigesting(bytes.NewReader(text))
	_, err = bytes.NewBuffer(nil).ReadFrom(content)
	must(t, err)
	all[1] = file("spacewasm.db", string(text))
	all = manifest(t, all, func(m *backup.Manifest) { m.Database = hex.EncodeToString(content.Sum()) })
	refused(t, "a newer schema", sealed(t, all), nil, "schema version 1000 is newer", "upgrade the program")
}

// T32: only an empty directory is restored to, and what is in another stays as it is.
func TestTarget(t *testing.T) {
	dir, s := data(t)
	archive := write(t, dir, false)
	before := tree(t, dir)
	if err := restore(t, dir, archive, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a server: %v", err)
	}
	must(t, s.Close())
	if err := restore(t, dir, archive, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a data directory: %v", err)
	}
	if after := tree(t, dir); len(after) != len(before) {
		t.Errorf("there is %v", after)
	}
	empty := t.TempDir()
	must(t, os.Mkdir(filepath.Join(empty, "lost+found"), 0o700))
	damaged := archive[:len(archive)/2]
	if err := restore(t, empty, damaged, nil); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	must(t, restore(t, empty, archive, nil)) // after the attempt
	if all, err := open(t, empty).Active(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("restored %v, %v", all, err)
	}
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	if err := restore(t, path, archive, nil); err == nil {
		t.Error("a file became a directory")
	}
}

// What a crash in the middle of a restore leaves is neither served nor restored over.
func TestCrashed(t *testing.T) {
	dir, _ := data(t)
	half := t.TempDir()
	into, err := store.BeginRestore(t.Context(), half)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(into.Dir(), "x"), nil, 0o600))
	if _, err := store.Open(t.Context(), half); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a server during a restore: %v", err)
	}
	must(t, into.Close())
	open(t, half) // nothing is left

	crashed := t.TempDir()
	must(t, os.Mkdir(filepath.Join(crashed, ".restore-123"), 0o700))
	if _, err := store.Open(t.Context(), crashed); err == nil || !strings.Contains(err.Error(), "interrupted restore") {
		t.Errorf("a server after a crash: %v", err)
	}
	if err := restore(t, crashed, write(t, dir, false), nil); err == nil || !strings.Contains(err.Error(), "interrupted restore") {
		t.Errorf("a restore after a crash: %v", err)
	}
}
