package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/infra/local"
)

var update = flag.Bool("update", false, "write the golden files")

const troubled = "2026-03-01 12:00:00 ERROR java.lang.OutOfMemoryError: Java heap space\n" +
	"2026-03-01 12:00:01 ERROR connect ECONNREFUSED 10.0.0.7:6379 password=hunter2hunter2\n" +
	"> ticket 12: ENOSPC \x1b[2J\n2026-03-01 12:00:02 ERROR ledger is locked\n"

// What it prints is what people and programs read: a change of it is made on purpose.
func TestRulesTestSaysWhichMatchAndWhy(t *testing.T) {
	file := services(t, `rules:
  - {id: ledger-locked, cause: The ledger is locked by the nightly close., rank: 90, any: [ledger is locked]}
services:
  orders: {owner: shop, target: {type: simulated}, fixes: [scale-out], dependsOn: [orders-redis]}
  orders-redis: {owner: shop, target: {type: simulated}}
`)
	inv, err := local.Settings{ServicesFile: file}.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	for golden, c := range map[string]rulesTestCommand{"rules.txt": {}, "rules-service.txt": {Service: "orders"}, "rules.json": {JSON: true}} {
		var out strings.Builder
		found, err := c.test(inv, strings.NewReader(troubled), &out)
		if err != nil || !found {
			t.Fatalf("%s: %v, %v", golden, found, err)
		}
		path := filepath.Join("testdata", golden)
		if *update {
			if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
		if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s prints a secret or a control character", golden)
		}
	}
}

func TestRulesTestSaysWhenNothingMatchesAndWhatItCannotRead(t *testing.T) {
	inv, err := local.Settings{}.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if found, err := (rulesTestCommand{}).test(inv, strings.NewReader("all is well"), &out); found || err != nil ||
		out.String() != "fix:         none (no rule matches; a person has to look)\n" {
		t.Errorf("%v, %v, %q", found, err, out.String())
	}
	if _, err := (rulesTestCommand{}).test(inv, strings.NewReader(strings.Repeat("x", 1<<20)), &out); err == nil || !strings.Contains(err.Error(), "give its end") {
		t.Errorf("a long log: %v", err)
	}
	if _, err := (rulesTestCommand{Service: "nobody"}).test(inv, strings.NewReader(""), &out); err == nil || !strings.Contains(err.Error(), `"nobody" is not listed`) {
		t.Errorf("an unknown service: %v", err)
	}
}
