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
)

const (
	skMeta     = "META"
	skEvidence = "EVIDENCE"
	skEvent    = "EVT#"
	skWait     = "WAIT"
	skDedup    = "DEDUP"
	skTarget   = "TARGET"
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
func waitKey(ref incident.Ref) item     { return key(ref.Tenant+"#WAIT#"+ref.ID, skWait) }

func dedupKey(tenant, fingerprint string) item { return key(tenant+"#DEDUP#"+fingerprint, skDedup) }
func targetKey(tenant, target string) item     { return key(tenant+"#TARGET#"+target, skTarget) }
func ticketKey(tenant, ticket string) item     { return key(ticketPK(tenant), ticket) }

func ticketPK(tenant string) string { return tenant + "#TICKET" }

func eventKey(ref incident.Ref, seq int64) item {
	return key(incidentPK(ref), fmt.Sprintf("%s%010d", skEvent, seq))
}

// shards is over how many partitions of the index each half of a list is spread:
// a partition takes 1,000 writes a second.
const shards = 4

// listPartition is where an incident stands in the index.
func listPartition(inc incident.Incident) string {
	half := "OPEN"
	if inc.Status.Final() {
		half = "DONE"
	}
	return partition(inc.Tenant, half, int(crc32.ChecksumIEEE([]byte(inc.ID))%shards))
}

func partition(tenant, half string, shard int) string {
	return fmt.Sprintf("%s#%s#%d", tenant, half, shard)
}

// listPartitions are those that may hold incidents of a status, "" for any.
func listPartitions(tenant string, status incident.Status) []string {
	var all []string
	for shard := range shards {
		if status == "" || !status.Final() {
			all = append(all, partition(tenant, "OPEN", shard))
		}
		if status == "" || status.Final() {
			all = append(all, partition(tenant, "DONE", shard))
		}
	}
	return all
}
