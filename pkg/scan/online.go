package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/lockfile"
	"github.com/opsguard/opsguard/pkg/osv"
)

// Limits of OSV's API, by google.github.io/osv.dev, and of what is read of it.
const (
	batch         = 1000     // queries in one call
	maxPages      = 20       // of one query
	maxBatch      = 32 << 20 // bytes of one answer
	maxRecord     = 8 << 20  // bytes of one record
	maxRecords    = 5000     // of a round
	detailsAtOnce = 8
)

const osvName = "OSV"

type query struct {
	Package struct {
		Name      string `json:"name"`
		Ecosystem string `json:"ecosystem"`
	} `json:"package"`
	Version   string `json:"version"`
	PageToken string `json:"page_token,omitempty"`

	of lockfile.Package
}

// listed is a record's id, and when it changed.
type listed struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
}

// online asks OSV's API which records speak of each package, and for those that are new.
func (s *Scanner) online(ctx context.Context, packages []lockfile.Package) (map[lockfile.Package][]osv.Record, error) {
	of := map[lockfile.Package][]listed{}
	for len(packages) > 0 {
		n := min(batch, len(packages))
		if err := s.query(ctx, packages[:n], of); err != nil {
			return nil, err
		}
		packages = packages[n:]
	}
	records, err := s.records(ctx, of)
	found := map[lockfile.Package][]osv.Record{}
	for p, all := range of {
		for _, it := range all {
			if r, ok := records[it.ID]; ok {
				found[p] = append(found[p], r)
			}
		}
	}
	return found, err
}

// query asks about up to batch packages, and for the further pages of those that have some.
func (s *Scanner) query(ctx context.Context, packages []lockfile.Package, into map[lockfile.Package][]listed) error {
	var queries []query
	for _, p := range packages {
		q := query{Version: p.Version, of: p}
		q.Package.Name, q.Package.Ecosystem = p.Name, p.Ecosystem
		queries = append(queries, q)
	}
	for page := 0; len(queries) > 0; page++ {
		if page == maxPages {
			return fmt.Errorf("%s goes on after %d pages; the rest was not read", osvName, maxPages)
		}
		body, err := s.env.Do(ctx, integration.Call{Vendor: osvName, Method: http.MethodPost,
			URL: strings.TrimRight(s.settings.OSV, "/") + "/v1/querybatch", Body: map[string]any{"queries": queries}, Max: maxBatch})
		if err != nil {
			return fmt.Errorf("vulnerabilities are not known: %w", err)
		}
		var answer struct {
			Results []struct {
				Vulns []listed `json:"vulns"`
				Next  string   `json:"next_page_token"`
			} `json:"results"`
		}
		if err := decode(osvName, body, &answer); err != nil {
			return err
		}
		if len(answer.Results) != len(queries) {
			return fmt.Errorf("%s answered %d of %d queries", osvName, len(answer.Results), len(queries))
		}
		var more []query
		for i, r := range answer.Results {
			q := queries[i]
			into[q.of] = append(into[q.of], r.Vulns...)
			if r.Next != "" {
				q.PageToken = r.Next
				more = append(more, q)
			}
		}
		queries = more
	}
	return nil
}

// records reads the records that are listed, several at once. An error is the first of what
// could not be read; the others are returned all the same.
func (s *Scanner) records(ctx context.Context, of map[lockfile.Package][]listed) (map[string]osv.Record, error) {
	modified := map[string]string{}
	for _, all := range of {
		for _, it := range all {
			modified[it.ID] = it.Modified
		}
	}
	if len(modified) > maxRecords {
		return nil, fmt.Errorf("%s knows %d records about these packages; at most %d are read in a round", osvName, len(modified), maxRecords)
	}
	var mu sync.Mutex
	var failed error
	records := map[string]osv.Record{}
	free := make(chan struct{}, detailsAtOnce)
	var reading sync.WaitGroup
	for id, changed := range modified {
		free <- struct{}{}
		reading.Go(func() {
			defer func() { <-free }()
			r, err := s.record(ctx, id, changed)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			records[id] = r
		})
	}
	reading.Wait()
	return records, failed
}

func (s *Scanner) record(ctx context.Context, id, modified string) (r osv.Record, err error) {
	if !plainID(id) {
		return r, fmt.Errorf("%s lists a record whose id is none", osvName)
	}
	key := "osv:" + id
	if had, ok := s.get.cache.load(key); ok && modified != "" && had.Modified == modified && json.Unmarshal(had.Body, &r) == nil {
		return r, nil
	}
	body, err := s.env.Do(ctx, integration.Call{Vendor: osvName, Method: http.MethodGet,
		URL: strings.TrimRight(s.settings.OSV, "/") + "/v1/vulns/" + id, Max: maxRecord})
	if err != nil {
		return r, fmt.Errorf("%s is listed and could not be read: %w", id, err)
	}
	if err := decode(osvName, body, &r); err != nil {
		return r, fmt.Errorf("%s is listed and could not be read: %w", id, err)
	}
	if r.ID != id {
		return r, fmt.Errorf("%s answered another record for %s", osvName, id)
	}
	for i := range r.Affected { // thousands, and OSV has compared them
		r.Affected[i].Versions = nil
	}
	if kept, err := json.Marshal(r); err == nil {
		s.get.cache.save(key, copied{At: s.env.Now(), Modified: modified, Body: kept})
	}
	return r, nil
}

// plainID holds what stands in an address to what ids are made of.
func plainID(id string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:."
	return id != "" && len(id) <= 128 && strings.Trim(id, letters) == "" && strings.Trim(id, ".") != ""
}
