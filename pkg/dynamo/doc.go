// Package dynamo keeps incidents in one DynamoDB table. What Load, Commit and the
// rest promise stands with the ports in pkg/steps; the contract tests that it
// shares with the one-machine store are in pkg/steps/stepstest.
//
// A Change is one TransactWriteItems, and the condition on META's version is the
// only lock: a writer that loses gets CodeVersion and starts again. What a
// decision depends on is read consistently; lists come from the index and may lag.
//
// Items (PK / SK), every PK beginning with the tenant:
//
//	<tenant>#INC#<id>           META, EVIDENCE, EVT#<seq, ten digits>
//	<tenant>#WAIT#<id>          WAIT: the task token, in a partition of its own so
//	                            that IAM can keep it from most functions
//	<tenant>#DEDUP#<print>      DEDUP: the open incident of a fingerprint, its count
//	<tenant>#TARGET#<target>    TARGET: who executes on it, until when
//	<tenant>#TICKET#<shard>     a ticket's key: the simulated tracker's
//
// The one index lists META by (shard, id), open and ended incidents apart: reconcile
// looks at the open ones every few minutes and must not read the whole history for
// it. keys.go says how many shards there are and why.
package dynamo
