package catalog_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/catalog"
)

func TestCatalogueIsAsDesigned(t *testing.T) {
	got := map[string]string{}
	for _, f := range catalog.All() {
		var params []string
		for _, p := range f.Params {
			params = append(params, fmt.Sprintf("%s: %s %d..%d, default %d", p.Name, p.Kind, p.Min, p.Max, p.Default))
		}
		got[f.ID] = strings.Join(params, "; ")
	}
	want := map[string]string{
		"restart-service":     "",
		"scale-out":           "instances: integer 1..5, default 1",
		"rollback-deployment": "",
		"free-disk-space":     "olderThanDays: integer 1..30, default 7",
		"renew-certificate":   "",
		"flush-dns-cache":     "",
		"recycle-connections": "",
		"reduce-concurrency":  "percent: integer 10..90, default 50",
		"replace-instance":    "",
		"cordon-node":         "",
		"fail-over":           "",
		"sync-deployment":     "",
		"revert-change":       "",
		"rerun-workflow":      "",
		"run-runbook":         "",
		"disable-flag":        "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the catalogue differs (-want +got):\n%s", diff)
	}
}

func TestEveryEntryIsComplete(t *testing.T) {
	hole := regexp.MustCompile(`\{([a-zA-Z]+)(:[a-z]+:[a-z]+)?\}`)
	risks := []catalog.Risk{catalog.RiskLow, catalog.RiskMedium, catalog.RiskHigh}
	for _, f := range catalog.All() {
		if f.Title == "" || f.Description == "" || f.Verification == "" || !slices.Contains(risks, f.Risk) {
			t.Errorf("%s: incomplete: %+v", f.ID, f)
		}
		var named []string
		for _, m := range hole.FindAllStringSubmatch(f.Sentence, -1) {
			named = append(named, m[1])
		}
		want := []string{"service"}
		for _, p := range f.Params {
			want = append(want, p.Name)
			if p.Kind != catalog.KindInteger || p.Min > p.Default || p.Default > p.Max || p.Description == "" {
				t.Errorf("%s: parameter %+v", f.ID, p)
			}
		}
		slices.Sort(named)
		slices.Sort(want)
		if !slices.Equal(named, want) || strings.ContainsAny(hole.ReplaceAllString(f.Sentence, ""), "{}") {
			t.Errorf("%s: the sentence %q must name each of %v once", f.ID, f.Sentence, want)
		}
	}
	if ids := catalog.IDs(); !slices.IsSorted(ids) || len(ids) != len(catalog.All()) {
		t.Errorf("IDs() = %v", ids)
	}
}

func TestWhatACallerChangesIsItsOwn(t *testing.T) {
	before, _ := catalog.Lookup("scale-out")
	digest := before.Digest()
	before.Params[0].Max = 1000
	for _, f := range catalog.All() {
		f.Title = "x"
	}
	if after, _ := catalog.Lookup("scale-out"); after.Digest() != digest {
		t.Error("a caller changed the catalogue")
	}
}

// TestChangingAnyFieldChangesTheDigest walks the fields by reflection, so that a
// field which is added later and forgotten in Digest fails it.
func TestChangingAnyFieldChangesTheDigest(t *testing.T) {
	seen := map[string]string{}
	note := func(what string, f catalog.Fix) {
		d := f.Digest()
		if other, twice := seen[d]; twice {
			t.Errorf("the digest is the same for %q and %q", what, other)
		}
		seen[d] = what
	}
	fresh := func() catalog.Fix { f, _ := catalog.Lookup("scale-out"); return f }
	note("the entry itself", fresh())

	for i := range reflect.TypeFor[catalog.Fix]().NumField() {
		field := reflect.TypeFor[catalog.Fix]().Field(i)
		if field.Name == "Params" {
			continue
		}
		f := fresh()
		mutate(t, reflect.ValueOf(&f).Elem().Field(i))
		note(field.Name, f)
	}
	for i := range reflect.TypeFor[catalog.Param]().NumField() {
		f := fresh()
		mutate(t, reflect.ValueOf(&f.Params[0]).Elem().Field(i))
		note("Params[0]."+reflect.TypeFor[catalog.Param]().Field(i).Name, f)
	}
	f := fresh()
	f.Params = nil
	note("no parameter", f)
	f = fresh()
	f.Params = append(f.Params, f.Params[0])
	note("one more parameter", f)
	f = fresh()
	f.Title, f.Sentence = f.Title+f.Sentence[:1], f.Sentence[1:]
	note("a letter moved from one field to the next", f)
}

func mutate(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	default:
		t.Fatalf("a field of kind %s: teach Digest and this test about it", v.Kind())
	}
}

func TestDigestsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, f := range catalog.All() {
		d := f.Digest()
		if seen[d] != "" || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(d) {
			t.Errorf("%s: digest %s, also of %q", f.ID, d, seen[d])
		}
		seen[d] = f.ID
	}
}
