// Command reconcile is the function that does every few minutes what a crash or a
// lost call left undone, and finishes what an execution left open when it ended.
package main

import (
	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/reconcile"
)

func main() { aws.Main(reconcile.Serve) }
