package rules_test

import (
	"fmt"

	"github.com/opsguard/opsguard/pkg/rules"
)

// A log selects one of the rules; no text of it gets into the cause or a fix.
func ExampleJudge() {
	v := rules.Judge(rules.Input{Logs: "12:00 request\nFATAL ERROR: JavaScript heap out of memory\n12:01 restarting"})
	fmt.Println(v.RuleID, v.Whose, v.Confidence, v.Fixes)
	fmt.Println(v.Cites, v.Lines)
	v = rules.Judge(rules.Input{Logs: "connect ECONNREFUSED 10.0.0.5:6379", DependsOn: []string{"orders-redis"}})
	fmt.Println(v.RuleID, v.Whose, v.Dependency, v.Fixes)
	fmt.Println(rules.Judge(rules.Input{Logs: "all is well"}).RuleID == "")
	// Output:
	// node-heap-oom self sure [restart-service rollback-deployment]
	// [L2] [FATAL ERROR: JavaScript heap out of memory]
	// connection-refused redis orders-redis []
	// true
}
