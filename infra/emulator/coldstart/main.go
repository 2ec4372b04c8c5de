// Command coldstart builds every function as `sam build` does and measures its cold
// start on this machine: from exec to the first call of the Runtime API's /next, the
// checks at the start included, against a stub of Lambda and of AWS that answers at
// once. It prints a table with each function's size and its ratio to a hello-world
// function measured in the same run.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/opsguard/opsguard/infra/emulator/lambdastub"
)

func main() {
	runs := flag.Int("runs", 21, "starts of each function; the median counts")
	flag.Parse()
	dir, err := os.MkdirTemp("", "coldstart")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := measure(dir, *runs); err != nil {
		log.Print(err)
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

func measure(dir string, runs int) error {
	mains, err := filepath.Glob("functions/*/main.go")
	if err != nil || len(mains) == 0 {
		return fmt.Errorf("no functions here; run it in the module's root (%v)", err)
	}
	paths := map[string]string{"hello": "./infra/emulator/coldstart/hello"}
	names := []string{"hello"}
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		names = append(names, name)
		paths[name] = "./functions/" + name
	}
	stub := lambdastub.New()
	defer stub.Close()
	medians := map[string][]time.Duration{}
	for _, name := range names {
		if err := build(paths[name], filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for range runs { // in turn, so that a busy moment of the machine is everybody's
		for _, name := range names {
			took, said, err := stub.Start(filepath.Join(dir, name), stub.Settings())
			if err != nil {
				return fmt.Errorf("%s: %w: %s", name, err, said)
			}
			medians[name] = append(medians[name], took)
		}
	}
	fmt.Printf("%-22s %10s %8s %8s\n", "function", "cold start", "ratio", "size")
	hello := median(medians["hello"])
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		m := median(medians[name])
		fmt.Printf("%-22s %7.1f ms %8.2f %5.1f MB\n", name, float64(m.Microseconds())/1000, float64(m)/float64(hello), float64(info.Size())/1e6)
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func build(pkg, to string) error {
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc,grpcnotrace", "-trimpath", "-ldflags", "-s -w", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
