package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// searchPath is where a program without a path is looked for, and PATH of every command.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// maxProgram bounds what is read of a program for its digest, in bytes.
const maxProgram = 256 << 20

// resolved returns the path of a program and the SHA-256 of what is in it. It refuses one
// that cannot be run, and one that anybody on the machine can replace.
func resolved(ctx context.Context, program string) (path, digest string, err error) {
	path = program
	if !filepath.IsAbs(program) {
		if path = found(program); path == "" {
			return "", "", incident.Fail(incident.NotFound, incident.CodeNotFound,
				"the program %s is in none of the folders %s; install it there, or give its full path", quoted([]string{program}), searchPath)
		}
	}
	shown := quoted([]string{path})
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no program %s", shown)
	case err != nil:
		return "", "", unreadable(path)
	case !info.Mode().IsRegular():
		return "", "", incident.Bad("the program %s is not a file", shown)
	case !runnable(path):
		return "", "", incident.Bad("the program %s is not executable for the user that OpsGuard runs as; chmod +x it", shown)
	case info.Size() > maxProgram:
		return "", "", incident.Bad("the program %s is larger than %d MiB; call it from a script", shown, maxProgram>>20)
	case anybodys(path, info):
		return "", "", incident.Bad("anybody on this machine can replace the program %s: it, or its folder, is writable for others; chmod o-w",
			shown)
	}
	digest, err = digestOf(ctx, path)
	return path, digest, err
}

func unreadable(path string) error {
	return incident.Bad("%s cannot be looked at by the user that OpsGuard runs as; allow that", quoted([]string{path}))
}

// found looks a program up, as the commands themselves will.
func found(program string) string {
	for _, dir := range strings.Split(searchPath, ":") {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && runnable(path) {
			return path
		}
	}
	return ""
}

// anybodys reports whether users of no group of the file can replace it. In a folder with
// the sticky bit, such as /tmp, they cannot replace what is another's.
func anybodys(path string, info fs.FileInfo) bool {
	const others = 0o002
	if info.Mode().Perm()&others != 0 {
		return true
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return true
	}
	dir, err := os.Stat(filepath.Dir(real))
	return err != nil || dir.Mode().Perm()&others != 0 && dir.Mode()&fs.ModeSticky == 0
}

func digestOf(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", unreadable(path)
	}
	defer f.Close()
	sum := sha256.New()
	for {
		if ctx.Err() != nil {
			return "", incident.Unavail("the program could not be read in time", ctx.Err())
		}
		switch _, err := io.CopyN(sum, f, 1<<20); {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(sum.Sum(nil)), nil
		case err != nil:
			return "", incident.Unavail("the program "+quoted([]string{path})+" could not be read", nil)
		}
	}
}

// folder refuses a working folder that is not there.
func folder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return incident.Fail(incident.NotFound, incident.CodeNotFound,
			"there is no folder %s; make it, or correct dir of the target", quoted([]string{dir}))
	case err != nil:
		return unreadable(dir)
	case !info.IsDir():
		return incident.Bad("%s is not a folder; correct dir of the target", quoted([]string{dir}))
	}
	return nil
}
