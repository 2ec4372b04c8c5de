package bolt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestStoreContract(t *testing.T) {
	stepstest.StoreContract(t, func(t *testing.T) stepstest.Store {
		db, err := bolt.OpenFile(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w := commit.New(db)
		t.Cleanup(func() { w.Close(); db.Close() })
		return bolt.New(db, w)
	})
}

func TestOpenFileSaysWhatIsWrong(t *testing.T) {
	t.Parallel() // it waits for a store that is in use
	whole := func(t *testing.T) string {
		dir := t.TempDir()
		db, err := bolt.OpenFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		return dir
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T) string
		want string
	}{
		{"in use", func(t *testing.T) string {
			dir := whole(t)
			db, err := bolt.OpenFile(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return dir
		}, "in use by another opsguard"},
		{"not a directory", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "file")
			os.WriteFile(path, nil, 0o600)
			return path
		}, "cannot be made or entered"},
		{"a file of something else", func(t *testing.T) string {
			dir := t.TempDir()
			os.WriteFile(filepath.Join(dir, bolt.FileName), []byte(strings.Repeat("hello ", 4000)), 0o600)
			return dir
		}, "damaged"},
		{"cut off", func(t *testing.T) string {
			dir := whole(t)
			path := filepath.Join(dir, bolt.FileName)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			os.Truncate(path, info.Size()/2)
			return dir
		}, "damaged"},
		{"overwritten in the middle", func(t *testing.T) string {
			dir := whole(t)
			path := filepath.Join(dir, bolt.FileName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 8192; i < len(b); i++ {
				b[i] = 0xAB
			}
			os.WriteFile(path, b, 0o600)
			return dir
		}, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := bolt.OpenFile(c.make(t))
			if err == nil {
				db.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: does not say %q", err, c.want)
			}
		})
	}
}
