package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/link"
)

// linkKeys returns the keys that were set, or those of the data directory, which
// are made at the first start: links in old messages must work after a restart. made
// says that they were made now.
func linkKeys(set, dir string) (keys link.Keys, made bool, err error) {
	if set != "" {
		keys, err = link.ParseKeys(set)
		return keys, false, err
	}
	path := filepath.Join(dir, bolt.LinkKeyFile)
	keys, err = readLinkKeys(path)
	if errors.Is(err, os.ErrNotExist) {
		keys, err = makeLinkKey(path)
		return keys, true, err
	}
	return keys, false, err
}

// readLinkKeys refuses a file that others can read.
func readLinkKeys(path string) (link.Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return link.Keys{}, fmt.Errorf("read the link keys: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return link.Keys{}, fmt.Errorf("read the link keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return link.Keys{}, fmt.Errorf("%s can be read by others (mode %04o); whoever has it can make decision links: chmod 600 it, or delete it so that a new one is made", path, info.Mode().Perm())
	}
	keys, err := link.ParseKeys(strings.TrimSpace(string(text)))
	if err != nil {
		return link.Keys{}, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// makeLinkKey writes a new key so that a crash leaves either none or a whole one.
func makeLinkKey(path string) (link.Keys, error) {
	text, err := link.NewKey(rand.Reader)
	if err != nil {
		return link.Keys{}, err
	}
	if err := dbfile.WriteFile(path, []byte(text+"\n")); err != nil {
		return link.Keys{}, fmt.Errorf("make the link key: %w", err)
	}
	return link.ParseKeys(text)
}
