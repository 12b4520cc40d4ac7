package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is the user without rights, on Debian and elsewhere.
const nobody = 65534

// T35: the end-to-end tests that touch files and processes pass as an unprivileged user too.
func TestE2EUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("all end-to-end tests run as an unprivileged user here")
	}
	names := []string{
		"TestE2EKill", "TestE2EPushBrokenOff", "TestE2EDrain", "TestE2ESecondServer", "TestE2ERestartFailed",
		"TestE2ETmpQuota", "TestE2EIsolation", "TestE2EReadOnlyBundle", "TestE2EEscape", "TestE2EFaults", "TestE2ERefuse", "TestE2EToken",
	}
	dir := forNobody(t)
	out, err := asNobody(t, dir, "-test.v", "-test.run=^("+strings.Join(names, "|")+")$").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range names {
		contains(t, string(out), "--- PASS: "+name+" ")
	}
}

// A data directory that the user may not write to is a clear error.
func TestE2EUnprivilegedDataDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another user's")
	}
	dir := forNobody(t)
	data := filepath.Join(dir, "data")
	must(t, os.Mkdir(data, 0o755))
	cmd := asNobody(t, dir)
	cmd.Path = filepath.Join(dir, "spacewasm")
	cmd.Args = []string{"spacewasm", "serve", "--listen", "127.0.0.1:0", "--data", data}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("the server ran")
	}
	contains(t, string(out), "files belong to another user", data)
}

// forNobody makes a folder with the test binary and what the tests run, that any user can reach.
func forNobody(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	must(t, err)
	for name, path := range map[string]string{
		"test": self, "spacewasm": program(t), "probe.wasm": probe(t), "hello.wasm": helloGo(t),
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), read(t, path), 0o755))
	}
	for _, name := range []string{"home", "tmp"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		must(t, os.Chown(filepath.Join(dir, name), nobody, nobody))
	}
	return dir
}

// asNobody is a run of this test binary by the user without rights.
func asNobody(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "test"), args...)
	cmd.Dir = filepath.Join(dir, "tmp")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + filepath.Join(dir, "tmp"),
		builtEnv + "=" + dir, "CI=" + os.Getenv("CI"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}
