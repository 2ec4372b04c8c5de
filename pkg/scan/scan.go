// Package scan looks for known vulnerabilities in what services are made of. It reads the
// lockfiles and SBOMs that services.yaml names, asks OSV about every package, and adds from
// CISA's catalogue and from EPSS which vulnerabilities are exploited. Start at Scanner.Scan.
//
// What could not be read or asked is always told: a source that is down must not look like a
// service without vulnerabilities. Everything that comes from outside is bounded. Answers
// are kept in a folder, so that an hourly round asks only for what is new.
package scan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/lockfile"
	"github.com/opsguard/opsguard/pkg/osv"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Where the public data is, unless a setting says otherwise.
const (
	DefaultOSV  = "https://api.osv.dev"
	DefaultKEV  = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	DefaultEPSS = "https://api.first.org/data/v1/epss"
	// Off in place of an address says that it is not asked.
	Off = "none"
)

const (
	// scanTime bounds a round: the hourly health check is one Lambda of 5 minutes.
	scanTime = 3 * time.Minute
	// filesAtOnce bounds the files that are in memory.
	filesAtOnce = 2
	// maxPackages bounds what all services of a round may name, each package once.
	maxPackages = 200_000
)

// Settings say where to ask. Empty ones mean the defaults.
type Settings struct {
	OSV     string // base address of OSV's API
	OSVFile string // a file, zip or folder of OSV records, which is read in place of the API
	KEV     string // address of CISA's catalogue, or Off
	EPSS    string // address of EPSS's API, or Off
	Cache   string // folder for what was answered; made if it is missing
}

// Scanner scans services. It may be used concurrently.
type Scanner struct {
	env      integration.Env
	settings Settings
	get      fetcher
}

// New makes a scanner. It refuses an address that is none, by the setting's name.
func New(env integration.Env, s Settings) (*Scanner, error) {
	s.OSV, s.KEV, s.EPSS = cmp.Or(s.OSV, DefaultOSV), cmp.Or(s.KEV, DefaultKEV), cmp.Or(s.EPSS, DefaultEPSS)
	for _, at := range []struct{ setting, address string }{{"OSV_ENDPOINT", s.OSV}, {"KEV_URL", s.KEV}, {"EPSS_ENDPOINT", s.EPSS}} {
		if at.address == Off && at.setting != "OSV_ENDPOINT" {
			continue
		}
		if _, err := integration.BaseURL(at.setting, at.address); err != nil {
			return nil, err
		}
	}
	return &Scanner{env, s, fetcher{env, cache{s.Cache}}}, nil
}

// one is what is known of a service while the scan goes on.
type one struct {
	scan     steps.Scan
	packages map[lockfile.Package]string // by the file that names it first
}

// Scan implements steps.Scanner.
func (s *Scanner) Scan(ctx context.Context, services []inventory.Service) []steps.Scan {
	if len(services) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	s.get.cache.prune(s.env.Now())
	all := s.read(ctx, services)
	wanted := map[lockfile.Package]bool{}
	for _, it := range all {
		for p := range it.packages {
			wanted[p] = true
		}
	}
	found, err := s.ask(ctx, slices.Collect(maps.Keys(wanted)))
	merged := make([][]osv.Vulnerability, len(all))
	for i, it := range all {
		if err != nil {
			it.scan.Problems = append(it.scan.Problems, err.Error())
		}
		var of []osv.Found
		for p := range it.packages {
			for _, r := range found[p] {
				of = append(of, osv.Found{Package: p, Record: r})
			}
		}
		merged[i] = osv.Merge(of)
	}
	known, notes := s.enrich(ctx, merged)
	scans := make([]steps.Scan, len(all))
	for i, it := range all {
		for _, v := range merged[i] {
			it.scan.Vulnerabilities = append(it.scan.Vulnerabilities, it.vulnerability(v, known))
		}
		if len(merged[i]) > 0 {
			it.scan.Notes = append(it.scan.Notes, notes...)
		}
		scans[i] = it.scan
	}
	return scans
}

// ask finds the records of each package. An error says that they are not all there are.
func (s *Scanner) ask(ctx context.Context, packages []lockfile.Package) (map[lockfile.Package][]osv.Record, error) {
	if len(packages) == 0 {
		return nil, nil
	}
	if len(packages) > maxPackages {
		return nil, fmt.Errorf("the services name %d packages; at most %d are asked about", len(packages), maxPackages)
	}
	slices.SortFunc(packages, lockfile.Package.Compare)
	if s.settings.OSVFile != "" {
		return recordsIn(ctx, s.settings.OSVFile, packages)
	}
	return s.online(ctx, packages)
}

// read reads the files of all services.
func (s *Scanner) read(ctx context.Context, services []inventory.Service) []*one {
	all := make([]*one, len(services))
	free := make(chan struct{}, filesAtOnce)
	var reading sync.WaitGroup
	for i, svc := range services {
		free <- struct{}{}
		reading.Go(func() {
			defer func() { <-free }()
			all[i] = s.readOne(ctx, svc)
		})
	}
	reading.Wait()
	return all
}

func (s *Scanner) readOne(ctx context.Context, svc inventory.Service) *one {
	it := &one{steps.Scan{Service: svc.Name}, map[lockfile.Package]string{}}
	for _, d := range svc.Dependencies {
		list, err := s.list(ctx, d)
		if err != nil {
			it.scan.Problems = append(it.scan.Problems, err.Error())
			continue
		}
		it.scan.LeftOut += list.LeftOut
		for _, p := range list.Packages {
			if _, known := it.packages[p]; !known {
				it.packages[p] = shown(d)
			}
		}
	}
	it.scan.Packages = len(it.packages)
	return it
}

func (it *one) vulnerability(v osv.Vulnerability, known exploitation) steps.Vulnerability {
	out := steps.Vulnerability{ID: v.ID, Aliases: v.Aliases, Summary: v.Summary, Rating: v.Rating.Word, Score: v.Rating.Score}
	for _, h := range v.Hits {
		out.Packages = append(out.Packages, steps.Vulnerable{Ecosystem: h.Package.Ecosystem, Name: h.Package.Name, Version: h.Package.Version,
			FixedIn: h.FixedIn, File: it.packages[h.Package]})
	}
	cve := v.CVE()
	out.Ransomware, out.KnownExploited = known.exploited[cve]
	out.EPSS = known.epss[cve]
	return out
}
