package command

import (
	"os"
	"path/filepath"
	"testing"
)

// A script given to an interpreter is what is run: it counts as the program does.
func TestAScriptForAnInterpreterCountsAndDataDoesNot(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain, bang, tool, log := file("fix.sh", "echo", 0o600), file("fix", "#!/bin/sh", 0o600), file("tool", "x", 0o700), file("app.log", "line", 0o600)
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"sh", plain}, plain}, {[]string{"/bin/bash", "-e", plain}, plain}, {[]string{"python3", plain, log}, plain},
		{[]string{"nice", bang}, bang}, {[]string{"nice", "-n", "5", tool}, tool}, {[]string{"sudo", tool}, tool},
		{[]string{"truncate", "-s", "0", log}, ""}, {[]string{"systemctl", "restart", "shop"}, ""}, {[]string{"sh", "-c", "true", log}, ""},
		{[]string{"sh", filepath.Join(dir, "missing")}, ""},
	} {
		got, digest, err := scriptOf(t.Context(), c.argv)
		if err != nil || got != c.want || (digest == "") != (c.want == "") {
			t.Errorf("%v: %q %q %v, want %q", c.argv, got, digest, err, c.want)
		}
	}
	_, before, _ := scriptOf(t.Context(), []string{"sh", plain})
	file("fix.sh", "rm", 0o600)
	if _, after, _ := scriptOf(t.Context(), []string{"sh", plain}); after == before {
		t.Error("the script was changed, and its digest was not")
	}
	if err := os.Chmod(plain, 0o602); err != nil {
		t.Fatal(err)
	}
	if _, _, err := scriptOf(t.Context(), []string{"sh", plain}); err == nil {
		t.Error("a script that anybody can write to is taken")
	}
}
