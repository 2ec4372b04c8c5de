package rules_test

import (
	"fmt"

	"github.com/opsguard/opsguard/pkg/rules"
)

// A log selects one of the signatures; no text of it gets into the cause or a fix.
func ExampleMatch() {
	found, ok := rules.Match("12:00 request\nFATAL ERROR: JavaScript heap out of memory\n12:01 restarting")
	fmt.Println(ok, found.Signature, found.Fixes)
	fmt.Println(found.Lines)
	_, ok = rules.Match("all is well")
	fmt.Println(ok)
	// Output:
	// true node-heap-oom [restart-service rollback-deployment]
	// [FATAL ERROR: JavaScript heap out of memory]
	// false
}
