package scan

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opsguard/opsguard/pkg/lockfile"
	"github.com/opsguard/opsguard/pkg/osv"
)

// maxList bounds a file that holds many records, in bytes. A zip has no bound: it is read
// record by record.
const maxList = 64 << 20

// offline keeps of a file of records those that affect a package that is asked about.
type offline struct {
	byName map[string][]lockfile.Package
	found  map[lockfile.Package][]osv.Record
}

// recordsIn reads OSV records from a file of JSON (a record, or a list of them), from a zip
// of such files as OSV publishes for each ecosystem, or from a folder of both.
func recordsIn(ctx context.Context, path string, packages []lockfile.Package) (map[lockfile.Package][]osv.Record, error) {
	o := offline{map[string][]lockfile.Package{}, map[lockfile.Package][]osv.Record{}}
	for _, p := range packages {
		o.byName[p.Name] = append(o.byName[p.Name], p)
	}
	files, records := []string{path}, 0
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("OSV_FILE: %w", err)
	}
	if info.IsDir() {
		zips, _ := filepath.Glob(filepath.Join(path, "*.zip"))
		jsons, _ := filepath.Glob(filepath.Join(path, "*.json"))
		files = append(zips, jsons...)
	}
	for _, file := range files {
		if ctx.Err() != nil {
			return o.found, fmt.Errorf("OSV_FILE: reading took too long; the rest was not read")
		}
		read := o.readJSON
		if strings.HasSuffix(file, ".zip") {
			read = o.readZip
		}
		n, err := read(ctx, file)
		if records += n; err != nil {
			return o.found, fmt.Errorf("OSV_FILE: %s: %w", file, err)
		}
	}
	if records == 0 {
		return nil, fmt.Errorf("OSV_FILE: %s holds no record", path)
	}
	return o.found, nil
}

func (o offline) readJSON(_ context.Context, file string) (int, error) {
	data, err := readFile(file, maxList)
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return o.take(data)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return 0, fmt.Errorf("is not JSON: %w", err)
	}
	for n, one := range all {
		if _, err := o.take(one); err != nil {
			return n, err
		}
	}
	return len(all), nil
}

func (o offline) readZip(ctx context.Context, file string) (n int, err error) {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return 0, fmt.Errorf("is no zip that can be read: %w", err)
	}
	defer archive.Close()
	for _, entry := range archive.File {
		if ctx.Err() != nil {
			return n, fmt.Errorf("reading took too long; the rest was not read")
		}
		if !strings.HasSuffix(entry.Name, ".json") {
			continue
		}
		data, err := readEntry(entry)
		if err != nil {
			return n, fmt.Errorf("%s: %w", filepath.Base(entry.Name), err)
		}
		if _, err := o.take(data); err != nil {
			return n, fmt.Errorf("%s: %w", filepath.Base(entry.Name), err)
		}
		n++
	}
	return n, nil
}

func readEntry(entry *zip.File) ([]byte, error) {
	reader, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return bounded(reader, maxRecord)
}

// take keeps a record that affects a package.
func (o offline) take(data []byte) (int, error) {
	var r osv.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return 0, fmt.Errorf("is no OSV record: %w", err)
	}
	if r.ID == "" {
		return 0, fmt.Errorf("is no OSV record: it has no id")
	}
	seen := map[lockfile.Package]bool{}
	for _, a := range r.Affected {
		for _, p := range o.byName[a.Package.Name] {
			if !seen[p] && r.Affects(p) {
				seen[p] = true
				o.found[p] = append(o.found[p], r)
			}
		}
	}
	return 1, nil
}

// readFile reads a file of at most max bytes.
func readFile(path string, max int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("is no file")
	}
	return bounded(file, max)
}

func bounded(r io.Reader, max int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, max+1))
	if err == nil && int64(len(data)) > max {
		return nil, fmt.Errorf("is larger than %d MiB, which is the most that is read", max>>20)
	}
	return data, err
}
