package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra/local"
)

// What is wrong with a target is told before there is an alert.
func TestTheTargetsAreLookedAtBeforeAnyAlert(t *testing.T) {
	dir := t.TempDir()
	fix := filepath.Join(dir, "fix")
	if err := os.WriteFile(fix, []byte("#!/bin/sh\ntouch "+dir+"/ran\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := services(t, `services:
  shop:
    owner: web
    target: {type: command, dir: `+dir+`, run: {restart-service: [`+fix+`], flush-dns-cache: [`+dir+`/missing]}}
    fixes: [restart-service, flush-dns-cache]
  blog: {owner: web, target: {type: simulated}, fixes: [restart-service]}
`)
	var out strings.Builder
	err := servicesCheckCommand{Targets: true}.check(local.Settings{ServicesFile: file}, &out)
	if err == nil || err.Error() != "1 of 3 fixes cannot be done as the targets are now" {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"is right: 2 services", "shop, restart-service: ok: \"" + fix + "\"",
		"shop, flush-dns-cache: cannot be done: there is no program \"" + dir + "/missing\"", "blog, restart-service: ok: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("a fix was run")
	}
}
