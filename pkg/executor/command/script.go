package command

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// interpreters run what their first argument names.
func interpreters() []string {
	return []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "python", "python3", "perl", "ruby", "node", "php", "env", "sudo"}
}

// scriptOf returns the script that a command's arguments give to its program, and the
// SHA-256 of what is in it: sh /srv/fix.sh is approved for what the script does now. "" if
// there is none. Other files among the arguments are data, such as a log to be cut, and
// may change.
func scriptOf(ctx context.Context, argv []string) (script, digest string, err error) {
	interpreted := slices.Contains(interpreters(), path.Base(argv[0]))
	for _, arg := range argv[1:] {
		if !filepath.IsAbs(arg) {
			if interpreted && !strings.HasPrefix(arg, "-") {
				interpreted = false // a program by its name, or code
			}
			continue
		}
		info, err := os.Stat(arg)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if !interpreted && info.Mode().Perm()&0o111 == 0 && !shebang(arg) {
			continue
		}
		if anybodys(arg, info) {
			return "", "", incident.Bad("anybody on this machine can replace the script %s: it, or its folder, is writable for others; chmod o-w",
				quoted([]string{arg}))
		}
		digest, err := digestOf(ctx, arg)
		return arg, digest, err
	}
	return "", "", nil
}

func shebang(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	var two [2]byte
	_, err = io.ReadFull(f, two[:])
	return err == nil && string(two[:]) == "#!"
}
