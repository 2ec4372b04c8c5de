package dynamo

import (
	"fmt"
	"hash/crc32"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Names of the table's keys and its index, as template.yaml declares them.
const (
	attrPK    = "PK"
	attrSK    = "SK"
	attrList  = "LPK" // index: partition
	attrID    = "LSK" // index: incident id
	indexName = "list"
)

// Attributes beside the keys.
const (
	attrBody     = "body" // JSON
	attrVersion  = "version"
	attrStatus   = "status"
	attrService  = "service"
	attrHash     = "hash"
	attrLogs     = "logs"
	attrIncident = "incidentId"
	attrCount    = "occurrences"
	attrSeen     = "lastSeen"  // milliseconds since 1970
	attrUntil    = "heldUntil" // milliseconds since 1970
	attrToken    = "token"
	attrEntered  = "enteredAt"
	attrRetries  = "retryCount"
	attrDeadline = "deadline"
	attrExpires  = "expires" // seconds since 1970: when the table may delete the item
	attrSays     = "says"    // a digest
	attrStops    = "stops"   // how much the kill switch stops
	attrDue      = "due"     // milliseconds since 1970: when reconcile has to look, if nothing changes
)

const (
	skMeta     = "META"
	skEvidence = "EVIDENCE"
	skLatest   = "LATEST"
	skEvent    = "EVT#"
	skWait     = "WAIT"
	skDedup    = "DEDUP"
	skTarget   = "TARGET"
	skFlow     = "FLOW"
	skHealth   = "HEALTH"
	skGroup    = "GROUP"
	skBrake    = "BRAKE"
	skFixes    = "FIXES"
)

// item is an item, or a key, or the values of an expression.
type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

func key(pk, sk string) item { return item{attrPK: text(pk), attrSK: text(sk)} }

func incidentPK(ref incident.Ref) string { return ref.Tenant + "#INC#" + ref.ID }

func metaKey(ref incident.Ref) item     { return key(incidentPK(ref), skMeta) }
func evidenceKey(ref incident.Ref) item { return key(incidentPK(ref), skEvidence) }
func latestKey(ref incident.Ref) item   { return key(incidentPK(ref), skLatest) }
func waitKey(ref incident.Ref) item     { return key(ref.Tenant+"#WAIT#"+ref.ID, skWait) }

func dedupKey(tenant, fingerprint string) item { return key(tenant+"#DEDUP#"+fingerprint, skDedup) }
func groupKey(tenant, name string) item        { return key(tenant+"#GROUP#"+name, skGroup) }
func brakeKey(tenant string) item              { return key(tenant+"#BRAKE", skBrake) }
func fixesKey(tenant, service string) item     { return key(tenant+"#FIXES#"+service, skFixes) }
func flowKey(tenant, service string) item      { return key(tenant+"#FLOW#"+service, skFlow) }
func healthKey(tenant, service string) item    { return key(tenant+"#HEALTH#"+service, skHealth) }

// untoldKey is on a list of one partition: an incident comes onto it once an hour at most.
func untoldKey(ref incident.Ref) item { return key(untoldPartition(ref.Tenant), ref.ID) }

func untoldPartition(tenant string) string { return tenant + "#UNTOLD" }

func targetKey(tenant, target string) item { return key(tenant+"#TARGET#"+target, skTarget) }

func ticketKey(tenant, ticket string) item {
	return key(partition(tenant, "TICKET", shardOf(ticket, ticketShards)), ticket)
}

func eventKey(ref incident.Ref, seq int64) item {
	return key(incidentPK(ref), fmt.Sprintf("%s%010d", skEvent, seq))
}

// Over how many partitions lists are spread. A partition, of the table or of its
// index, takes 1,000 write units a second (a unit is 1 KB, begun); the target is
// 1,000 incidents a second, each from its alert to its end.
//
// Every change of a record writes its item of the index again. With the records that
// TestAThousandIncidentsASecondFitTheIndex plays (0.8 to 2.4 KB with their keys), one
// life costs 1+2+2+2+3+3+3 units in its open partition, 3 more when it leaves it, and
// 3 in the one of the ended: 19,000 units a second over 32 partitions are 594 each,
// 3,000 over 8 are 375 each. A ticket of the simulated tracker has 2 to 5 KB: 5,000
// units a second over 16 partitions are 313 each.
//
// Before, there were 4 of the first two and 1 for tickets. What was written then is in
// partitions that are listed still, and an incident moves with its next change. So the
// numbers may grow but never shrink.
const (
	openShards   = 32
	doneShards   = 8
	ticketShards = 16
)

const (
	halfOpen = "OPEN"
	halfDone = "DONE"
)

func shardOf(id string, shards int) int { return int(crc32.ChecksumIEEE([]byte(id)) % uint32(shards)) }

// listPartition is where an incident stands in the index.
func listPartition(inc incident.Incident) string {
	if inc.Status.Final() {
		return partition(inc.Tenant, halfDone, shardOf(inc.ID, doneShards))
	}
	return partition(inc.Tenant, halfOpen, shardOf(inc.ID, openShards))
}

func partition(tenant, half string, shard int) string {
	return fmt.Sprintf("%s#%s#%d", tenant, half, shard)
}

func partitions(tenant, half string, shards int) []string {
	all := make([]string, shards)
	for shard := range shards {
		all[shard] = partition(tenant, half, shard)
	}
	return all
}

// listPartitions are those that may hold incidents of a status, "" for any.
func listPartitions(tenant string, status incident.Status) []string {
	switch open, done := partitions(tenant, halfOpen, openShards), partitions(tenant, halfDone, doneShards); {
	case status == "":
		return append(open, done...)
	case status.Final():
		return done
	default:
		return open
	}
}

// ticketPartitions are those that may hold tickets; the first is the one that held
// all of them before.
func ticketPartitions(tenant string) []string {
	return append([]string{tenant + "#TICKET"}, partitions(tenant, "TICKET", ticketShards)...)
}
